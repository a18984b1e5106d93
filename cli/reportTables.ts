import type { Params } from '../core/parameters.ts'

/** What a column holds, as far as a report is concerned. */
export type ColumnKind = 'time' | 'text' | 'number' | 'bool'
export type Columns = Readonly<Record<string, ColumnKind>>

/** What a run is, as far as the place of its rows says; '' and undefined where it does not. */
export interface RunIdentity {
  readonly run: string
  /** `name@version`. */
  readonly topology: string
  /** What `--topology` was. */
  readonly file: string | undefined
  readonly parameters: Params
  readonly lake: string
  readonly from: string | undefined
  readonly to: string | undefined
  readonly symbols: readonly string[] | undefined
  /** Everything else that decides the answer, by name. */
  readonly rest: Readonly<Record<string, unknown>>
  /** Version of tickloom that made it. */
  readonly code: string | undefined
  readonly started: Date | undefined
  /** Where the rows were read from. */
  readonly place: string
}

/** The rows of a finished run, wherever they are. */
export interface RunTables {
  readonly identity: RunIdentity
  /** The partitions that were run. */
  readonly partitions: readonly string[]
  /** The outputs that have rows, and their columns. */
  readonly outputs: ReadonlyMap<string, Columns>
  /** Outputs the run was asked for, with rows or without; undefined where that was not kept. */
  readonly asked: readonly string[] | undefined
  /**
   * Rows of an output as arrays: the answer of `SELECT <select> FROM <its rows> WHERE <where> <tail>`, of rows with
   * from <= ts < to only. Times in it are what `micros` makes of them: microseconds. A missing number is null or NaN.
   */
  rows(query: TableQuery): Promise<readonly (readonly unknown[])[]>
  micros(column: string): string
  /** A name as SQL has it. */
  name(column: string): string
  close(): Promise<void>
}

export interface TableQuery {
  readonly output: string
  readonly select: readonly string[]
  readonly where?: string
  /** GROUP BY and ORDER BY. */
  readonly tail?: string
  readonly from?: number
  readonly to?: number
}

/** What an identity (replayIdentity.ts) holds, taken apart. */
export function identityParts(
  identity: Readonly<Record<string, unknown>>,
): Pick<RunIdentity, 'topology' | 'parameters' | 'lake' | 'from' | 'to' | 'symbols' | 'rest'> {
  const { topology, parameters, lake, from, to, symbols, ...rest } = identity
  return {
    topology: String(topology ?? ''),
    parameters: (parameters ?? {}) as Params,
    lake: String(lake ?? ''),
    from: (from ?? undefined) as string | undefined,
    to: (to ?? undefined) as string | undefined,
    symbols: (symbols ?? undefined) as readonly string[] | undefined,
    rest,
  }
}

/** Parameters by their paths, as `--param` has them. */
export function flat(parameters: Readonly<Record<string, unknown>>, before = ''): [string, unknown][] {
  return Object.entries(parameters).flatMap(([name, value]): [string, unknown][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? flat(value as Record<string, unknown>, `${before}${name}.`)
      : [[before + name, value]],
  )
}
