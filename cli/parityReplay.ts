import { existsSync } from 'node:fs'
import { planReplay } from '../connectors/parquet/plan.ts'
import { isRecording, type Recording, recordedPartition, recordingsOf } from '../connectors/parquet/recording.ts'
import { parquetDestination } from '../connectors/parquet/sink.ts'
import { parquetSource } from '../connectors/parquet/source.ts'
import { TickloomError } from '../core/errors.ts'
import { Instruments } from '../core/instruments.ts'
import type { Params } from '../core/parameters.ts'
import { HOUR } from '../core/time.ts'
import type { Topology } from '../core/topology.ts'
import { concat } from '../runtime/concat.ts'
import { runPartition } from '../runtime/runPartition.ts'
import type { Extent } from './parityRun.ts'

/** The recordings of a day: what came on it, and on later dates where a row of the day came late. Throws LAKE_MISSING, LAKE_EMPTY. */
export function recordingsOfDay(lake: string, date: string, { to }: Extent): readonly Recording[] {
  if (!existsSync(lake)) throw new TickloomError('LAKE_MISSING', `there is no lake at ${lake}`, { lake })
  const all = isRecording(lake) ? recordingsOf(lake) : []
  if (!all.some((recording) => recording.date === date)) {
    const dates = [...new Set(all.map((recording) => recording.date))]
    const there = dates.length === 0 ? 'it has no recordings' : `it has ${dates[0]} to ${dates[dates.length - 1]}`
    throw new TickloomError('LAKE_EMPTY', `there is no recording of ${date} in ${lake}: ${there}`, { lake, date })
  }
  return all.filter((recording) => recording.date === date || (recording.date > date && recording.files.some(({ min }) => (min ?? Infinity) < to)))
}

export interface ParityReplay {
  readonly topology: Topology
  readonly params: Params
  readonly lake: string
  /** By date. */
  readonly recordings: readonly Recording[]
  /** Where the outputs go, as Parquet. */
  readonly into: string
  readonly signal: AbortSignal
}

/** Replays recordings; a topology that remembers more than a day, with everything recorded before them. */
export async function replayRecordings({ topology, params, lake, recordings, into, signal }: ParityReplay): Promise<void> {
  const dates = recordings.map(({ date }) => date)
  const day = topology.memory === 'day'
  const [columns] = Object.values(topology.inputs)
  const whole = await planReplay(lake, { columns, from: day ? dates[0] : undefined, to: dates[dates.length - 1] })
  const plan = day ? { ...whole, days: whole.days.filter(({ recorded }) => dates.includes(recorded?.date ?? '')) } : whole
  const instruments = new Instruments()
  const days = parquetSource({ lake, columns, instruments, plan })
  const source = day ? days : concat(days, recordedPartition)
  const plugged = {
    topology,
    params,
    run: 'parity',
    instruments,
    source,
    destinations: [parquetDestination({ dir: into })],
    epochLength: HOUR,
    checkpoints: undefined,
    resume: false,
  }
  for (const { name } of await source.partitions()) await runPartition(plugged, name, { signal })
  await source.close()
}
