import { type Batch, type Column, emptyBatch, type Schema } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { Delivery, Partition, Position, Source } from '../../core/ports.ts'
import { DAY, IST, parseDate, startOfDay, type Zone } from '../../core/time.ts'
import { closeReader, embeddedReader } from '../clickhouse/engine.ts'
import { DayCache, type PlacedChunk } from './cache.ts'
import type { CachedPlan, CacheOptions } from './cachePlan.ts'
import { type Chunk, type OpenFile, TimeCheck } from './chunk.ts'
import { isRecorded } from './dayPlan.ts'
import { openDirect, startDecoder } from './decode/readDirect.ts'
import { isDecodable } from './decode/tickFile.ts'
import { mergeFiles } from './merge.ts'
import type { DayPlan, FilePlan, Plan, ReplayFilter } from './plan.ts'
import { prefetched } from './prefetch.ts'
import { openDuck } from './readDuck.ts'
import { openNative } from './readNative.ts'
import { readRecorded } from './readRecorded.ts'

export type Reader = 'auto' | 'direct' | 'native' | 'duckdb'

export interface ParquetSourceOptions<S extends Schema> extends ReplayFilter {
  readonly lake: string
  /** The projection: only these columns are read. A number that a file does not have is NaN. */
  readonly columns: S
  readonly instruments: Instruments
  /**
   * `direct` decodes files here, in a thread, and throws OPTION_INVALID for those that it cannot. `auto` reads what it
   * can like that, and the rest with ClickHouse's engine where a day has up to four files, else with DuckDB.
   */
  readonly reader?: Reader
  /** Days are opened one after the other, in the order of the plan: the next one is prepared meanwhile. */
  readonly inTurn?: boolean
  /** What to read, planned before, such as by the process that shares the days out; planned here when it is missing. */
  readonly plan?: Plan | CachedPlan
  /** Where decoded days are kept and read again; what a plan given says of it comes first. Nothing is kept without it. */
  readonly cache?: CacheOptions
  /** Told what a reader should know and nothing depends on, such as a cache file that cannot be used. Nobody by default. */
  readonly warn?: (message: string) => void
  /** Whose days the dates are; windows close at the next local midnight. */
  readonly zone?: Zone
}

/** A delivery is never longer. */
export const MOST_ROWS = 65_536
// Three bytes of row count in the engine's block header, whose length the padding of columns counts on, and whole row groups.
const NATIVE_ROWS = 61_440
// A session of the engine carries one stream and costs megabytes: for spot and a few expiries it is 1.7 times as fast, for 120 files it is not.
const MOST_NATIVE = 4
const ROWS_IN_MERGE = 1_500_000

/**
 * Replays a lake of Parquet files (docs/concepts: lake): a partition is a date, its rows are in time order (of one
 * time: spot first, then files by name, then their own order), or as recorded. Of a lake of recordings it is a date and
 * recorded partition, with the watermarks of its heartbeats (readRecorded.ts).
 *
 * The position is the number of rows delivered. The watermark is -Infinity until the end of the day, whose last,
 * empty, delivery vouches for everything before the next local midnight. Throws what planReplay throws, from
 * `partitions` and `open`; FILE_UNSORTED and FILE_CORRUPT while reading.
 */
export function parquetSource<S extends Schema>(options: ParquetSourceOptions<S>): Source<S> {
  let plan: Promise<Plan | CachedPlan> | undefined = options.plan === undefined ? undefined : Promise.resolve(options.plan)
  const planned = (): Promise<Plan | CachedPlan> => (plan ??= planOf(options))
  let cache: DayCache | undefined
  return {
    async partitions(): Promise<Partition[]> {
      return (await planned()).days.map(({ date, rows }) => (rows === undefined ? { name: date } : { name: date, rows }))
    },
    async *open(partition, from, signal) {
      signal.throwIfAborted()
      const found = await planned()
      const day = found.days.find(({ date }) => date === partition)
      if (day === undefined) throw new TickloomError('LAKE_EMPTY', `${options.lake} has nothing of ${partition} to read`, { partition })
      if (isRecorded(day)) return yield* readRecorded(day, options, rowsOf(from), signal)
      if ('cache' in found) cache ??= new DayCache(found, options.columns, options.instruments, options.warn ?? (() => undefined))
      const next = options.inTurn === true ? nextOf(found, day) : undefined
      yield* deliveries(day, next, options, cache, rowsOf(from), signal)
    },
    close: async () => cache?.close(),
  }
}

async function planOf<S extends Schema>(options: ParquetSourceOptions<S>): Promise<Plan | CachedPlan> {
  const { lake, cache, warn = () => undefined } = options
  if (cache === undefined) return (await import('./plan.ts')).planReplay(lake, options)
  return (await import('./cachePlan.ts')).planCached(lake, options, cache, warn)
}

/** The day after this one that will be read from the lake, if it comes next. */
function nextOf(plan: Plan | CachedPlan, day: DayPlan): DayPlan | undefined {
  const next = plan.days[plan.days.indexOf(day) + 1]
  return next === undefined || next.recorded !== undefined || isHeld(plan, next) ? undefined : next
}

function isHeld(plan: Plan | CachedPlan, { date }: DayPlan): boolean {
  return 'cache' in plan && plan.cache.days.some((day) => day.held && day.date === date)
}

function rowsOf(position: Position | undefined): number {
  return typeof position === 'object' && typeof position['rows'] === 'number' ? position['rows'] : 0
}

async function* deliveries<S extends Schema>(
  day: DayPlan,
  next: DayPlan | undefined,
  { columns, instruments, reader = 'auto', zone = IST }: ParquetSourceOptions<S>,
  cache: DayCache | undefined,
  skip: number,
  signal: AbortSignal,
): AsyncGenerator<Delivery<S>> {
  let seen = skip
  const sorted = day.files.every((file) => file.sorted)
  const read = (): AsyncGenerator<Chunk, void, undefined> => chunksOf(day, next, columns, instruments, reader)
  for await (const { before, chunk } of cache?.chunks(day, skip, { read }) ?? placed(prefetched(read()))) {
    signal.throwIfAborted()
    for (let at = Math.max(0, Math.min(chunk.n, skip - before)); at < chunk.n; ) {
      const end = Math.min(chunk.n, at + MOST_ROWS)
      yield delivery(slice(chunk, columns, at, end), before + at, sorted)
      signal.throwIfAborted()
      at = end
    }
    seen = before + chunk.n
    chunk.free?.()
  }
  signal.throwIfAborted()
  const nextDay = startOfDay(parseDate(day.date), zone) + DAY
  yield delivery(emptyBatch(columns, nextDay), seen, sorted)
}

async function* placed(chunks: AsyncGenerator<Chunk, void, undefined>): AsyncGenerator<PlacedChunk, void, undefined> {
  let before = 0
  for await (const chunk of chunks) {
    yield { before, chunk }
    before += chunk.n
  }
}

function delivery<S extends Schema>(batch: Batch<S>, before: number, sorted: boolean): Delivery<S> {
  return { batch, sorted, after: (rows) => ({ rows: before + rows }) }
}

/** Rows from..to-1 of a chunk as a batch; what lies beyond them is not vouched for. */
function slice<S extends Schema>({ n, col }: Chunk, columns: S, from: number, to: number): Batch<S> {
  const part: Record<string, Column> = {}
  for (const name in columns) {
    const column = col[columns[name] === 'instrument' ? 'instrument' : name]
    part[name] = from === 0 && to === n ? column : column.subarray(from, to)
  }
  return { n: to - from, watermark: -Infinity, col: part as Batch<S>['col'] }
}

/** Loads what reading the plan takes, as far as its first day tells, so that the first row need not wait for it. */
export async function loadReader(plan: Plan | CachedPlan, reader: Reader = 'auto'): Promise<void> {
  const day = plan.days.find((one) => !isHeld(plan, one) && one.recorded === undefined)
  if (day === undefined) return
  if (readsDirectly(reader) && isDecodable(day.files[0])) await startDecoder()
  else if (readsNatively(day, reader)) closeReader(embeddedReader())
}

function readsDirectly(reader: Reader): boolean {
  return reader === 'auto' || reader === 'direct'
}

function readsNatively({ files, recorded }: DayPlan, reader: Reader): boolean {
  if (recorded !== undefined) return false
  return reader === 'native' || (reader === 'auto' && files.length <= MOST_NATIVE)
}

async function* chunksOf(
  day: DayPlan,
  next: DayPlan | undefined,
  columns: Schema,
  instruments: Instruments,
  reader: Reader,
): AsyncGenerator<Chunk, void, undefined> {
  // Files open in any order; ids are given out in theirs.
  for (const { instrument } of day.files) if (instrument.kind === 'constant') instruments.id(instrument.name)
  if (readsDirectly(reader)) {
    const opened = await openDirect(day, next, instruments)
    if (!('reason' in opened)) return yield* opened
    if (reader === 'direct')
      throw new TickloomError('OPTION_INVALID', `${opened.path} cannot be read with --reader direct: ${opened.reason}`, {
        option: '--reader',
        file: opened.path,
      })
  }
  yield* engineChunks(day, columns, instruments, reader)
}

function engineChunks(day: DayPlan, columns: Schema, instruments: Instruments, reader: Reader): AsyncGenerator<Chunk, void, undefined> {
  const { files } = day
  const native = readsNatively(day, reader)
  const open: OpenFile = native ? openNative : openDuck
  if (files.length === 1) return checked(files[0], open(files[0], instruments, native ? NATIVE_ROWS : MOST_ROWS))
  const rows = Math.max(4_096, Math.min(MOST_ROWS, Math.floor(ROWS_IN_MERGE / files.length)))
  return mergeFiles(
    files.map((file) => prefetched(checked(file, open(file, instruments, rows)))),
    columns,
  )
}

async function* checked(file: FilePlan, chunks: AsyncGenerator<Chunk, void, undefined>): AsyncGenerator<Chunk, void, undefined> {
  const check = new TimeCheck(file)
  for await (const chunk of chunks) {
    check.pass(chunk.col['ts'] as Float64Array, chunk.n)
    yield chunk
  }
}
