import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Schema } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import { columnsOf } from './columns.ts'
import type { FilePlan, RecordedPlan } from './dayPlan.ts'
import { inspect } from './inspect.ts'
import type { ReplayFilter } from './prune.ts'
import { type Recording, recordingsOf, replayName } from './recording.ts'
import { ROW_GROUP } from './tableWriter.ts'

/** The recordings of a lake that lie on the dates wanted, as partitions of a replay; and the files that do not. */
export async function planRecorded(
  lake: string,
  filter: ReplayFilter & { readonly columns: Schema },
  timesOf: (date: string) => { readonly from: number; readonly to: number },
): Promise<{ readonly days: RecordedPlan[]; readonly leftOut: { readonly files: number; readonly rows: number } }> {
  const { from = '', to = '9999-99-99' } = filter
  const all = recordingsOf(lake)
  const wanted = all.filter(({ date }) => date >= from && date <= to)
  const others = all.filter((recording) => !wanted.includes(recording)).flatMap(({ files }) => files)
  const days: RecordedPlan[] = []
  for (const recording of wanted) days.push(await planOne(lake, recording, filter, timesOf(recording.date)))
  return { days, leftOut: { files: others.length, rows: others.reduce((sum, { rows }) => sum + rows, 0) } }
}

async function planOne(
  lake: string,
  recording: Recording,
  filter: ReplayFilter & { readonly columns: Schema },
  times: { readonly from: number; readonly to: number },
): Promise<RecordedPlan> {
  const { date, partition } = recording
  const { symbols, strikes, expiries, types, columns: schema } = filter
  const paths = recording.files.map(({ path }) => join(lake, path))
  const gone = paths.find((path) => !existsSync(path))
  if (gone !== undefined) throw new TickloomError('LAKE_MANIFEST', `the recording of ${date} names ${gone}, which is not there`, { file: gone })
  // One process wrote them all in one schema; what of them is missing varies, so any value may be.
  const [footer] = await inspect(paths.slice(0, 1))
  const columns = columnsOf(footer, schema, true).map((column) => ({ ...column, nullable: true }))
  const contracts = [symbols, strikes, expiries, types].some((condition) => condition !== undefined)
  const limited = contracts || times.from !== -Infinity || times.to !== Infinity
  const files = recording.files.map((file, i): FilePlan => {
    const groups = Math.ceil(file.rows / ROW_GROUP)
    const rows = limited ? undefined : file.rows - (file.heartbeats ?? 0)
    return {
      path: paths[i],
      rows,
      fileRows: file.rows,
      groups,
      groupsRead: groups,
      columns,
      instrument: { kind: 'names', names: [] },
      where: { ...times, columns: [] },
      sorted: false,
      rank: '',
    }
  })
  const rows = limited ? undefined : files.reduce((sum, file) => sum + (file.rows ?? 0), 0)
  return { date: replayName(recording), files, rows, recorded: { date, partition, filter: { symbols, strikes, expiries, types }, limited } }
}
