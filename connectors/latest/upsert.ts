/** `name` quoted as an identifier of SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export interface Upsert {
  readonly table: string
  /** Columns of the primary key. */
  readonly key: readonly string[]
  readonly time: string
  /** Columns that follow from the key, so that they are written once. */
  readonly fixed: readonly string[]
  /** The others, the time among them, without the epoch. */
  readonly values: readonly string[]
  /** What the rows come from: `VALUES (...)` or `SELECT ... FROM ...`, in the order key, fixed, values, epoch. */
  readonly rows: string
}

/**
 * Puts rows in the place of older ones, and of those only: what is there stays where its (time, epoch) is as high. So a
 * replayed epoch changes nothing, and neither does a row that comes late.
 */
export function upsert({ table, key, time, fixed, values, rows }: Upsert): string {
  const columns = [...new Set([...key, ...fixed, ...values, 'epoch'])]
  const moved = columns.filter((name) => !key.includes(name) && !fixed.includes(name))
  const [there, comes] = [`${quoted(table)}`, 'excluded'].map((side) => `(${side}.${quoted(time)}, ${side}."epoch")`)
  return `INSERT INTO ${quoted(table)} (${columns.map(quoted).join(', ')}) ${rows}
    ON CONFLICT (${key.map(quoted).join(', ')}) DO UPDATE SET ${moved.map((name) => `${quoted(name)} = excluded.${quoted(name)}`).join(', ')}
    WHERE ${comes} > ${there}`
}
