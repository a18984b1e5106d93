import type { Conditions } from './columns.ts'
import type { Footer, RowGroup } from './inspect.ts'

/** What rules out a row group. */
export type GroupReason = 'time' | 'symbol' | 'instrument' | 'expiry' | 'strike' | 'type'

/** The row groups and rows of one file that its statistics leave to be read, and how many they rule out, by the reason. */
export interface GroupsKept {
  readonly groups: number
  readonly rows: number
  readonly ruledOut: Readonly<Partial<Record<GroupReason, number>>>
}

/** The engines skip the same groups by their own pushdown; this says beforehand which. */
export function keptGroups({ groups }: Footer, where: Conditions): GroupsKept {
  const ruledOut: Partial<Record<GroupReason, number>> = {}
  let [count, rows] = [0, 0]
  for (const group of groups) {
    const reason = ruling(group, where)
    if (reason !== undefined) ruledOut[reason] = (ruledOut[reason] ?? 0) + 1
    else {
      count++
      rows += group.rows
    }
  }
  return { groups: count, rows, ruledOut }
}

/** Why no row of the group can meet the conditions; undefined when one may. A missing value meets none of them. */
function ruling({ rows, min, max, ranges }: RowGroup, where: Conditions): GroupReason | undefined {
  if (rows === 0 || max < where.from || min >= where.to) return 'time'
  const names = ranges.instrument
  if (where.names !== undefined && names !== undefined && !where.names.some((name) => isWithin(name, names))) return 'instrument'
  for (const { column, in: values, between } of where.columns) {
    const reason = column === 'opt_type' ? 'type' : column
    // How prune.ts says that the file is of another symbol.
    if (values?.length === 0) return 'symbol'
    const range = ranges[column]
    if (range === undefined) continue
    if (between !== undefined ? between[1] < Number(range[0]) || between[0] > Number(range[1]) : !values?.some((v) => isWithin(v, range)))
      return reason
  }
  return undefined
}

function isWithin(value: string | number, [min, max]: readonly [string, string]): boolean {
  if (typeof value === 'number') return value >= Number(min) && value <= Number(max)
  // The order of Parquet's statistics is that of bytes.
  const bytes = Buffer.from(value)
  return bytes.compare(Buffer.from(min)) >= 0 && bytes.compare(Buffer.from(max)) <= 0
}
