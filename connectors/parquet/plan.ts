import type { Schema } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import { contractOf } from '../../core/instruments.ts'
import { attach, IST, type Zone } from '../../core/time.ts'
import { type Conditions, columnsOf, instrumentOf } from './columns.ts'
import type { DayPlan, FilePlan } from './dayPlan.ts'
import { duckRows, quoted } from './duck.ts'
import { type GroupReason, type GroupsKept, keptGroups } from './groups.ts'
import { type Footer, inspect } from './inspect.ts'
import type { LakeFile } from './lakeFile.ts'
import { discover } from './layout.ts'
import { planRecorded } from './planRecorded.ts'
import { contractFilter, type Reason, type ReplayFilter, wantsFile } from './prune.ts'
import { isRecording } from './recording.ts'

export type { DayPlan, FilePlan } from './dayPlan.ts'
export type { ReplayFilter } from './prune.ts'

/** Files left out, by the reason; row groups and rows that statistics rule out. */
export interface Pruned {
  date: number
  symbol: number
  expiry: number
  strike: number
  type: number
  /** Contracts that the topology did not pick. */
  pick: number
  time: number
  groups: number
  /** The same row groups by the reason. */
  readonly groupsBy: Partial<Record<GroupReason, number>>
  rows: number
  /** Rows of the groups read that conditions leave out, where that is known beforehand. */
  conditional: number
}

export function nothingPruned(): Pruned {
  return { date: 0, symbol: 0, expiry: 0, strike: 0, type: 0, pick: 0, time: 0, groups: 0, groupsBy: {}, rows: 0, conditional: 0 }
}

export interface Plan {
  readonly lake: string
  readonly days: readonly DayPlan[]
  readonly pruned: Pruned
  readonly columns: Schema
  /** Contracts that are read, of days on which it was found out beforehand; by date. */
  readonly contracts?: ReplayFilter['contracts']
}

/**
 * What a replay reads, day by day, without reading a row.
 *
 * Throws LAKE_MISSING, LAKE_MANIFEST; LAKE_EMPTY when no file is left; FILE_CORRUPT and FILE_SCHEMA for a file that
 * cannot be read or whose columns have other types than the projection.
 */
export async function planReplay(lake: string, filter: ReplayFilter & { readonly columns: Schema; readonly zone?: Zone }): Promise<Plan> {
  const pruned = nothingPruned()
  const zone = filter.zone ?? IST
  const found = discover(lake)
  const recordings = isRecording(lake) ? await planRecorded(lake, filter, (date) => timesOf(date, filter, zone)) : undefined
  if (recordings !== undefined) {
    pruned.date += recordings.leftOut.files
    pruned.rows += recordings.leftOut.rows
    if (recordings.days.length > 0) return { lake, days: recordings.days, pruned, columns: filter.columns }
  }
  const kept = found.filter((file) => {
    const reason = wantsFile(file, filter, timesOf(file.date, filter, zone))
    if (reason === undefined) return true
    pruned[reason]++
    pruned.rows += file.shares.reduce((sum, share) => sum + (share.rows ?? 0), 0)
    return false
  })
  const footers = await inspect(kept.map(({ path }) => path))
  const days = new Map<string, FilePlan[]>()
  for (const [i, bare] of kept.entries()) {
    const times = timesOf(bare.date, filter, zone)
    const file = await withNames(bare, footers[i])
    const { plan, left } = planFile(file, footers[i], filter, times)
    countGroups(pruned, plan, left)
    if (plan.groupsRead === 0) {
      pruned[wantsFile(file, filter, times) ?? reasonOf(left)]++
      continue
    }
    days.set(file.date, [...(days.get(file.date) ?? []), plan])
  }
  if (days.size === 0)
    throw new TickloomError('LAKE_EMPTY', `nothing to read in ${lake}: it has ${found.length} files of ticks, and none is wanted`, { lake, pruned })
  return {
    lake,
    days: [...days].sort(([a], [b]) => (a < b ? -1 : 1)).map(([date, files]) => dayOf(date, files)),
    pruned,
    columns: filter.columns,
    contracts: filter.contracts,
  }
}

function countGroups(pruned: Pruned, plan: FilePlan, { rows, ruledOut }: GroupsKept): void {
  pruned.groups += plan.groups - plan.groupsRead
  pruned.rows += plan.fileRows - rows
  if (plan.rows !== undefined && rows > 0) pruned.conditional += rows - plan.rows
  for (const [reason, groups] of Object.entries(ruledOut) as [GroupReason, number][])
    pruned.groupsBy[reason] = (pruned.groupsBy[reason] ?? 0) + groups
}

/** The reason that a file is left out of whose row groups none is left. */
function reasonOf({ ruledOut }: GroupsKept): Reason {
  const [reason = 'time'] = Object.keys(ruledOut) as GroupReason[]
  return reason === 'instrument' ? 'symbol' : reason
}

function dayOf(date: string, files: readonly FilePlan[]): DayPlan {
  let rows: number | undefined = 0
  for (const file of files) rows = rows === undefined || file.rows === undefined ? undefined : rows + file.rows
  return { date, files: [...files].sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0)), rows }
}

interface Times {
  readonly from: number
  readonly to: number
}

function timesOf(date: string, { timeFrom, timeTo }: ReplayFilter, zone: Zone): Times {
  const at = (time: string | undefined, otherwise: number): number => {
    if (time === undefined) return otherwise
    const ts = attach(`${date} ${time}`, zone)
    if (Number.isNaN(ts)) throw new TickloomError('OPTION_INVALID', `"${time}" is not a time of day such as 09:15 or 09:15:30`, { time })
    return ts
  }
  return { from: at(timeFrom, -Infinity), to: at(timeTo, Infinity) }
}

/** A file with an instrument column that no manifest describes is asked which instruments it holds. */
async function withNames(file: LakeFile, footer: Footer): Promise<LakeFile> {
  if (file.shares.length > 0 || !footer.columns.has('instrument')) return file
  const rows = await duckRows<{ name: string | null; rows: number }>(
    `SELECT instrument AS name, count(*)::DOUBLE AS rows FROM read_parquet(${quoted(file.path)}, hive_partitioning = false) GROUP BY ALL ORDER BY ALL`,
  )
  const shares = rows.map(({ name, rows }) => {
    if (name === null)
      throw new TickloomError('FILE_SCHEMA', `${file.path}: column instrument is empty in ${rows} rows`, { file: file.path, column: 'instrument' })
    return { contract: contractOf(name), rows, min: -Infinity, max: Infinity }
  })
  return { ...file, shares }
}

function planFile(
  file: LakeFile,
  footer: Footer,
  filter: ReplayFilter & { readonly columns: Schema },
  times: Times,
): { plan: FilePlan; left: GroupsKept } {
  const fileRows = footer.groups.reduce((sum, group) => sum + group.rows, 0)
  const columns = columnsOf(footer, filter.columns)
  const instrument = instrumentOf(file, footer)
  const inTime = footer.groups.some(({ min, max }) => min < times.from || max >= times.to)
  const contracts = contractFilter(file, filter, instrument)
  const where: Conditions = { from: inTime ? times.from : -Infinity, to: inTime ? times.to : Infinity, ...contracts }
  const limited = inTime || contracts.names !== undefined || contracts.columns.length > 0
  const kept = contracts.names === undefined ? undefined : file.shares.filter(({ contract }) => contracts.kept.has(contract))
  const known = limited && !inTime && kept?.every((share) => share.rows !== undefined) === true
  const left = keptGroups(footer, where)
  const plan: FilePlan = {
    path: file.path,
    rows: known ? kept?.reduce((sum, share) => sum + (share.rows ?? 0), 0) : limited ? undefined : fileRows,
    fileRows,
    groups: footer.groups.length,
    groupsRead: left.groups,
    columns,
    instrument,
    where,
    sorted: file.order === 'time',
    rank: `${file.shares.some(({ contract }) => contract.kind === 'spot') ? '0' : '1'} ${file.path}`,
  }
  return { plan, left }
}

/** The plan as text: what is read, what is left out and why, and the projection of the first file. */
export function explainPlan(plan: Plan): string {
  const files = plan.days.flatMap((day) => day.files)
  const sum = (of: (file: FilePlan) => number): string => files.reduce((total, file) => total + of(file), 0).toLocaleString('en')
  const { groups, groupsBy, rows, conditional, ...reasons } = plan.pruned
  const inFile = files.filter((file) => file.rows === undefined).length
  return [
    `lake        ${plan.lake}`,
    `days        ${plan.days.length}: ${plan.days[0].date} to ${plan.days[plan.days.length - 1].date}`,
    `files       ${files.length} read; left out: ${counted(reasons) || 'none'}`,
    `row groups  ${sum((file) => file.groupsRead)} read; ${groups.toLocaleString('en')} left out by their statistics${groups > 0 ? `: ${counted(groupsBy)}` : ''}`,
    `rows        ${sum((file) => file.rows ?? file.fileRows)} read${inFile > 0 ? ' at most' : ''}; ${rows.toLocaleString('en')} left out unread${conditional > 0 ? `, ${conditional.toLocaleString('en')} by conditions on rows` : ''}${inFile > 0 ? `; conditions on rows in ${inFile} files` : ''}`,
    ...pickedLine(plan),
    `projection  ${files[0].columns.map((c) => `${c.name} <- ${c.column ?? 'missing'}${c.type === undefined ? '' : ` ${c.type}`}`).join(', ')}`,
    `instrument  ${files[0].instrument.kind === 'constant' ? files[0].instrument.name : `from ${files[0].instrument.kind === 'names' ? 'instrument' : 'symbol, expiry, strike, opt_type'}`}`,
  ].join('\n')
}

function pickedLine({ contracts, days }: Plan): string[] {
  if (contracts === undefined) return []
  const limited = days.flatMap(({ date }) => (contracts[date] === undefined ? [] : [contracts[date]]))
  const count = limited.reduce((sum, names) => sum + names.length, 0)
  const whole = days.length - limited.length
  return [`contracts   ${count.toLocaleString('en')} picked on ${limited.length} days by the topology, from their spots; ${whole} days read whole`]
}

function counted(reasons: Readonly<Record<string, number>>): string {
  const some = Object.entries(reasons).filter(([, count]) => count > 0)
  return some.map(([reason, count]) => `${count.toLocaleString('en')} by ${reason}`).join(', ')
}
