import { messageOf, TickloomError } from '../../core/errors.ts'
import { duckRows, quoted } from './duck.ts'

/** What the footer of a file says of one column. */
export interface FooterColumn {
  /** DuckDB's name of the type. */
  readonly type: string
  /** Whether a null may be in it: the statistics name one, or are missing. */
  readonly nullable: boolean
  readonly nulls: number
  /** Smallest and largest value as text, undefined without statistics. */
  readonly min: string | undefined
  readonly max: string | undefined
}

/** Columns besides the time by whose statistics a row group can be ruled out. */
const RANGED = ['instrument', 'expiry', 'strike', 'opt_type'] as const
type Ranged = (typeof RANGED)[number]

/** Rows, and first and last event time in microseconds; -Infinity and Infinity without statistics. */
export interface RowGroup {
  readonly rows: number
  readonly min: number
  readonly max: number
  /** Smallest and largest value as text of the other columns that rows are chosen by; missing without statistics. */
  readonly ranges: Readonly<Partial<Record<Ranged, readonly [string, string]>>>
}

export interface Footer {
  readonly path: string
  readonly columns: ReadonlyMap<string, FooterColumn>
  readonly groups: readonly RowGroup[]
}

interface ColumnRow {
  file: string
  name: string
  type: string
  groups: bigint
  known: bigint
  nulls: number | null
  min: string | null
  max: string | null
}
interface GroupRow extends Record<`${Ranged}_${'min' | 'max'}`, string | null> {
  file: string
  rows: number
  min: number | null
  max: number | null
}

/** Reads the footers of files, in the order given. Throws FILE_CORRUPT naming the first file that is no Parquet. */
export async function inspect(paths: readonly string[]): Promise<Footer[]> {
  if (paths.length === 0) return []
  try {
    return await footersOf(paths)
  } catch (cause) {
    throw await blame(paths, cause)
  }
}

async function footersOf(paths: readonly string[]): Promise<Footer[]> {
  const files = `[${paths.map(quoted).join(', ')}]`
  const number = (text: string): string => `try_cast(${text} AS DOUBLE)`
  const columns = await duckRows<ColumnRow>(`
    WITH s AS (SELECT file_name, name, any_value(duckdb_type) AS type FROM parquet_schema(${files}) WHERE duckdb_type IS NOT NULL GROUP BY ALL),
    m AS (SELECT file_name, path_in_schema AS name, count(*) AS groups, count(stats_null_count) AS known, sum(stats_null_count)::DOUBLE AS nulls,
      CASE WHEN count(stats_min_value) < count(*) THEN NULL ELSE coalesce(min(${number('stats_min_value')})::VARCHAR, min(stats_min_value)) END AS min,
      CASE WHEN count(stats_max_value) < count(*) THEN NULL ELSE coalesce(max(${number('stats_max_value')})::VARCHAR, max(stats_max_value)) END AS max
      FROM parquet_metadata(${files}) GROUP BY ALL)
    SELECT s.file_name AS file, s.name, type, coalesce(groups, 0) AS groups, coalesce(known, 0) AS known, nulls, min, max FROM s LEFT JOIN m USING (file_name, name)`)
  const ranges = RANGED.flatMap((name) =>
    ['min', 'max'].map((side) => `any_value(CASE WHEN path_in_schema = '${name}' THEN stats_${side}_value END) AS ${name}_${side}`),
  )
  const groups = await duckRows<GroupRow>(`
    SELECT file_name AS file, ${ranges.join(', ')}, any_value(row_group_num_rows)::DOUBLE AS rows,
      any_value(CASE WHEN path_in_schema = 'ts' THEN epoch_us(try_cast(stats_min_value AS TIMESTAMPTZ))::DOUBLE END) AS min,
      any_value(CASE WHEN path_in_schema = 'ts' THEN epoch_us(try_cast(stats_max_value AS TIMESTAMPTZ))::DOUBLE END) AS max
    FROM parquet_metadata(${files}) GROUP BY file_name, row_group_id ORDER BY file_name, row_group_id`)
  const found = new Map(paths.map((path) => [path, { path, columns: new Map<string, FooterColumn>(), groups: [] as RowGroup[] }]))
  for (const { file, name, type, groups: count, known, nulls, min, max } of columns) {
    found
      .get(file)
      ?.columns.set(name, { type, nullable: known < count || nulls !== 0, nulls: nulls ?? 0, min: min ?? undefined, max: max ?? undefined })
  }
  for (const group of groups) {
    const { file, rows, min, max } = group
    found.get(file)?.groups.push({ rows, min: min ?? -Infinity, max: max ?? Infinity, ranges: rangesOf(group) })
  }
  return [...found.values()]
}

function rangesOf(group: GroupRow): RowGroup['ranges'] {
  const ranges: Partial<Record<Ranged, readonly [string, string]>> = {}
  for (const name of RANGED) {
    const [min, max] = [group[`${name}_min`], group[`${name}_max`]]
    if (min !== null && max !== null) ranges[name] = [min, max]
  }
  return ranges
}

/** The failure of the whole query, pinned on the file it is about: the engine does not always name one. */
async function blame(paths: readonly string[], cause: unknown): Promise<TickloomError> {
  for (const path of paths) {
    try {
      await duckRows(`SELECT count(*) FROM parquet_schema(${quoted(path)})`)
      await duckRows(`SELECT count(*) FROM parquet_metadata(${quoted(path)})`)
    } catch (own) {
      return corrupt(path, own)
    }
  }
  return corrupt(paths[0], cause)
}

/** FILE_CORRUPT, in the words of the engine that could not read it. */
export function corrupt(path: string, cause: unknown): TickloomError {
  return new TickloomError('FILE_CORRUPT', `${path} cannot be read: ${messageOf(cause)}`, { file: path }, cause)
}
