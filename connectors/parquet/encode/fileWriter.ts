import { closeSync, openSync, writeSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { Bytes } from './bytes.ts'
import { type Chunk, ChunkEncoder, type FileColumn } from './chunk.ts'
import { CompactWriter } from './compactWriter.ts'
import { ENCODING, OPTIONAL, type Stored, TIMESTAMP_MICROS, typeOf, UTF8, ZSTD } from './format.ts'

interface Group {
  readonly rows: number
  readonly start: number
  readonly chunks: readonly Omit<Chunk, 'pages'>[]
}

const MAGIC = Buffer.from('PAR1')
const WRITTEN_BY = 'tickloom'

/**
 * Writes rows 0..n-1 as a Parquet file, zstd, in row groups of `groupRows`. A column of `double` or `time` may miss
 * values, which are NaN; a column of `whole` holds integers. Others have their turn between two row groups. Throws what
 * the system throws.
 */
export async function writeParquetFile(path: string, columns: readonly FileColumn[], n: number, groupRows: number): Promise<void> {
  const descriptor = openSync(path, 'w')
  try {
    let at = 0
    const write = (bytes: Uint8Array): void => {
      for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done)
      at += bytes.length
    }
    write(MAGIC)
    const groups: Group[] = []
    for (let from = 0; from < n; from += groupRows) {
      if (from > 0) await setImmediate()
      const rows = Math.min(groupRows, n - from)
      const start = at
      const chunks = columns.map((column) => {
        const { pages, ...chunk } = encoder.encode(column, from, from + rows)
        for (const page of pages) together.put(page)
        return chunk
      })
      write(together.written())
      together.clear()
      groups.push({ rows, start, chunks })
    }
    const footer = footerOf(columns, groups, n)
    together.put(footer)
    together.u32(footer.length)
    together.put(MAGIC)
    write(together.written())
  } finally {
    together.clear()
    closeSync(descriptor)
  }
}

// The memory of one row group, for one file after the other: nothing waits while they are in use.
const encoder = new ChunkEncoder()
const together = new Bytes(1 << 16)

function footerOf(columns: readonly FileColumn[], groups: readonly Group[], n: number): Uint8Array {
  const out = new CompactWriter()
  return out.whole(() => {
    out.i32(1, 1)
    out.structs(2, [undefined, ...columns], (column) => {
      if (column === undefined) {
        out.text(4, 'schema')
        out.i32(5, columns.length)
      } else element(out, column)
    })
    out.i64(3, n)
    out.structs(4, groups, (group) => rowGroup(out, columns, group))
    out.text(6, WRITTEN_BY)
    // Bounds are by the order of the type.
    out.structs(7, columns, () => out.struct(1, () => undefined))
  })
}

function element(out: CompactWriter, { name, stored }: FileColumn): void {
  out.i32(1, typeOf[stored])
  out.i32(3, OPTIONAL)
  out.text(4, name)
  out.i32(6, stored === 'time' ? TIMESTAMP_MICROS : stored === 'text' ? UTF8 : undefined)
  if (stored === 'text') out.struct(10, () => out.struct(1, () => undefined))
  if (stored === 'time')
    out.struct(10, () =>
      out.struct(8, () => {
        out.bool(1, true)
        out.struct(2, () => out.struct(2, () => undefined))
      }),
    )
}

function rowGroup(out: CompactWriter, columns: readonly FileColumn[], { rows, start, chunks }: Group): void {
  let at = start
  const sum = (of: 'compressed' | 'uncompressed'): number => chunks.reduce((total, chunk) => total + chunk[of], 0)
  out.structs(
    1,
    chunks.map((chunk, i) => ({ chunk, column: columns[i] })),
    ({ chunk, column }) => {
      out.i64(2, 0)
      out.struct(3, () => chunkMeta(out, column.name, column.stored, chunk, rows, at))
      at += chunk.compressed
    },
  )
  out.i64(2, sum('uncompressed'))
  out.i64(3, rows)
  out.i64(5, start)
  out.i64(6, sum('compressed'))
}

function chunkMeta(out: CompactWriter, name: string, stored: Stored, chunk: Omit<Chunk, 'pages'>, rows: number, at: number): void {
  out.i32(1, typeOf[stored])
  out.i32s(2, chunk.dictionary > 0 ? [ENCODING.plain, ENCODING.runs, chunk.encoding] : [ENCODING.runs, chunk.encoding])
  out.texts(3, [name])
  out.i32(4, ZSTD)
  out.i64(5, rows)
  out.i64(6, chunk.uncompressed)
  out.i64(7, chunk.compressed)
  out.i64(9, at + chunk.dictionary)
  out.i64(11, chunk.dictionary > 0 ? at : undefined)
  out.struct(12, () => {
    out.i64(3, chunk.nulls)
    out.binary(5, chunk.max)
    out.binary(6, chunk.min)
  })
}
