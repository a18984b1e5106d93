import { type Batch, type Column, emptyBatch, type Schema } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import { contractOf, type Instruments } from '../../core/instruments.ts'
import { HEARTBEAT } from '../../core/market.ts'
import type { Delivery } from '../../core/ports.ts'
import { DAY, IST, parseDate, startOfDay, type Zone } from '../../core/time.ts'
import type { Chunk } from './chunk.ts'
import type { FilePlan, RecordedPlan } from './dayPlan.ts'
import { duckRows } from './duck.ts'
import { corrupt, inspect } from './inspect.ts'
import { prefetched } from './prefetch.ts'
import { wants } from './prune.ts'
import { filesInOrder, openDuck } from './readDuck.ts'

/** A delivery is never longer. */
const MOST_ROWS = 65_536

export interface RecordedRead<S extends Schema> {
  readonly columns: S
  readonly instruments: Instruments
  readonly zone?: Zone
}

/**
 * Replays a recording: its rows as they came, a delivery ending where a heartbeat did, whose time is its watermark.
 *
 * The position counts recorded rows, heartbeats too. The watermark of the last, empty, delivery is the next local
 * midnight. Throws FILE_CORRUPT.
 */
export async function* readRecorded<S extends Schema>(
  day: RecordedPlan,
  { columns, instruments, zone = IST }: RecordedRead<S>,
  skip: number,
  signal: AbortSignal,
): AsyncGenerator<Delivery<S>> {
  const { files, before } = filesFrom(day, skip)
  const heartbeat = instruments.id(HEARTBEAT)
  let watermark = -Infinity
  let seen = before
  for await (const chunk of prefetched(chunksOf(day, files, instruments))) {
    for (let at = Math.max(0, skip - seen); at < chunk.n; ) {
      const end = stretchOf(chunk, at, heartbeat)
      const beats = end < chunk.n && chunk.col['instrument'][end] === heartbeat
      if (beats) watermark = Math.max(watermark, (chunk.col['ts'] as Float64Array)[end])
      signal.throwIfAborted()
      yield delivery(slice(chunk, columns, at, end, beats ? watermark : -Infinity), seen + at, beats)
      at = beats ? end + 1 : end
    }
    seen += chunk.n
    chunk.free?.()
  }
  signal.throwIfAborted()
  yield delivery(emptyBatch(columns, startOfDay(parseDate(day.recorded.date), zone) + DAY), Math.max(seen, skip), false)
}

/** The files that hold what is after the first `skip` rows, and how many rows lie before them; all where conditions leave rows out. */
function filesFrom({ files, recorded }: RecordedPlan, skip: number): { readonly files: readonly FilePlan[]; readonly before: number } {
  let before = 0
  let first = 0
  for (; !recorded.limited && first < files.length && before + files[first].fileRows <= skip; first++) before += files[first].fileRows
  return { files: files.slice(first), before }
}

/** The files as one, in their order: there may be thousands, and each has a few rows. */
async function* chunksOf({ recorded }: RecordedPlan, files: readonly FilePlan[], instruments: Instruments): AsyncGenerator<Chunk, void, undefined> {
  if (files.length === 0) return
  const paths = files.map(({ path }) => path)
  try {
    const names = await duckRows<{ name: string }>(`SELECT DISTINCT instrument AS name FROM ${filesInOrder(paths)} ORDER BY ALL`)
    const all = names.map(({ name }) => name)
    const wanted = all.filter((name) => name === HEARTBEAT || wants(contractOf(name), recorded.filter) === undefined)
    const where = wanted.length < all.length ? { ...files[0].where, names: wanted } : files[0].where
    yield* openDuck({ ...files[0], instrument: { kind: 'names', names: all }, where }, instruments, MOST_ROWS, { paths, always: HEARTBEAT })
  } catch (cause) {
    // Which file it is about, the engine does not say: reading the footers does.
    await inspect(paths)
    throw cause instanceof TickloomError ? cause : corrupt(paths[0], cause)
  }
}

/** Where the rows from `at` on end: at the first heartbeat, or with the chunk. */
function stretchOf({ n, col }: Chunk, at: number, heartbeat: number): number {
  const ids = col['instrument'] as Int32Array
  const last = Math.min(n, at + MOST_ROWS)
  let end = at
  while (end < last && ids[end] !== heartbeat) end++
  return end
}

function slice<S extends Schema>({ col }: Chunk, columns: S, from: number, to: number, watermark: number): Batch<S> {
  const part: Record<string, Column> = {}
  for (const name in columns) part[name] = col[columns[name] === 'instrument' ? 'instrument' : name].subarray(from, to)
  return { n: to - from, watermark, col: part as Batch<S>['col'] }
}

/** After its last row, a delivery's position lies behind the heartbeat that ended it. */
function delivery<S extends Schema>(batch: Batch<S>, before: number, beats: boolean): Delivery<S> {
  return { batch, after: (rows) => ({ rows: before + rows + (beats && rows === batch.n ? 1 : 0) }) }
}
