/** Numbers that Parquet's own description gives its types, encodings and pages. */
export const TYPE = { boolean: 0, int32: 1, int64: 2, double: 5, text: 6 } as const
export const ENCODING = { plain: 0, runs: 3, dictionary: 8 } as const
export const PAGE = { data: 0, dictionary: 2 } as const
export const ZSTD = 6
/** Every column may have a missing value, as in DuckDB's files. */
export const OPTIONAL = 1
export const UTF8 = 0
export const TIMESTAMP_MICROS = 10

/** How values of a kind stand in a file. */
export type Stored = 'time' | 'double' | 'whole' | 'int' | 'bool' | 'text'

export const typeOf = {
  time: TYPE.int64,
  double: TYPE.double,
  whole: TYPE.int64,
  int: TYPE.int32,
  bool: TYPE.boolean,
  text: TYPE.text,
} as const satisfies Record<Stored, number>
