import { type Batch, emptyBatch, sliceRows } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import { Second } from '../../core/market.ts'
import type { Delivery, Position, Source } from '../../core/ports.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'
import { IST, parseDate, startOfDay, type Zone } from '../../core/time.ts'
import { DayCache, type DayRows } from './cache.ts'
import { CHUNK_ROWS } from './cacheFile.ts'
import type { Warn } from './cachePlan.ts'
import type { Chunk } from './chunk.ts'
import { isRecorded } from './dayPlan.ts'
import { prefetched } from './prefetch.ts'
import type { SecondsPlan } from './secondsPlan.ts'
import { MOST_ROWS } from './source.ts'

/** The seconds of one partition, being made of its ticks. A batch is valid until the next one is asked for. */
export interface SecondsMade {
  readonly batches: AsyncGenerator<Batch<Second>, void, undefined>
  /** Rows dropped or remarked on up to now, by step and reason. */
  counts(): Readonly<Record<string, number>>
}

export interface SecondsSourceOptions {
  readonly plan: SecondsPlan
  /** The ticks of `plan.ticks`. */
  readonly ticks: Source
  /** Makes seconds of a partition of `ticks`, from its start. */
  make(ticks: Source, partition: string, signal: AbortSignal): SecondsMade
  readonly instruments: Instruments
  readonly warn?: Warn
  /** Whose days the dates are. */
  readonly zone?: Zone
}

/**
 * Replays a lake of ticks as seconds: out of the cache where the plan has them, else made of the ticks, and kept.
 *
 * Partitions are those of the ticks; the position is the number of seconds delivered, cached or not. Rows are in time
 * order, and a batch's watermark is the time of its last row; the last, empty, delivery vouches for everything before
 * the next local midnight. Of a recording the watermarks are those of its making, as live.
 */
export function secondsSource({ plan, ticks, make, instruments, warn = () => undefined, zone = IST }: SecondsSourceOptions): Source<Second> {
  const { cache: kept } = plan
  const cache = kept === undefined ? undefined : new DayCache({ ...plan, cache: kept }, Second, instruments, warn)
  const heldCounts = kept?.days.map(({ date, counts }) => [date, () => counts] as const)
  const counts = new Map<string, () => Readonly<Record<string, number>>>(heldCounts)
  return {
    partitions: async () => plan.days.map(({ date, rows }) => (rows === undefined ? { name: date } : { name: date, rows })),
    async *open(partition, from, signal) {
      signal.throwIfAborted()
      const start = rowsOf(from)
      const day = plan.days.find(({ date }) => date === partition)
      const made = (): AsyncGenerator<Batch<Second>, void, undefined> => {
        const { batches, counts: countsOf } = make(ticks, partition, signal)
        counts.set(partition, countsOf)
        return batches
      }
      // Unknown partitions are refused where the ticks are.
      if (day === undefined || isRecorded(day)) return yield* after(made(), start)
      const rows = { read: () => gathered(made()), counts: () => counts.get(partition)?.() ?? {} }
      let reached = start
      for await (const { before, chunk } of cache?.chunks(day, start, rows) ?? uncached(rows)) {
        for (const delivery of cut(chunk, before, reached)) {
          signal.throwIfAborted()
          yield delivery
        }
        reached = Math.max(reached, before + chunk.n)
      }
      signal.throwIfAborted()
      yield { batch: emptyBatch(Second, startOfDay(parseDate(day.date) + 1, zone)), sorted: true, after: () => ({ rows: reached }) }
    },
    counts: (partition) => counts.get(partition)?.() ?? {},
    async close() {
      await cache?.close()
      await ticks.close()
    },
  }
}

function rowsOf(position: Position | undefined): number {
  return typeof position === 'object' && typeof position['rows'] === 'number' ? position['rows'] : 0
}

/** Batches as they are made, without the first `skip` rows. */
async function* after(batches: AsyncGenerator<Batch<Second>, void, undefined>, skip: number): AsyncGenerator<Delivery<Second>> {
  let before = 0
  for await (const batch of batches) {
    const at = before
    before += batch.n
    if (at < skip && before <= skip) continue
    const from = Math.max(0, skip - at)
    const rest = from === 0 ? batch : sliceRows(batch, from, batch.n, batch.watermark)
    yield { batch: rest, sorted: true, after: (rows) => ({ rows: at + from + rows }) }
  }
}

async function* uncached({ read }: DayRows): AsyncGenerator<{ before: number; chunk: Chunk }, void, undefined> {
  let before = 0
  for await (const chunk of prefetched(read())) {
    yield { before, chunk }
    before += chunk.n
  }
}

/** The rows of a chunk from row `reached` of the day on, in deliveries. */
function* cut({ n, col }: Chunk, before: number, reached: number): Generator<Delivery<Second>, void, undefined> {
  const whole = { n, watermark: -Infinity, col } as unknown as Batch<Second>
  for (let from = Math.max(0, reached - before); from < n; ) {
    const to = Math.min(n, from + MOST_ROWS)
    const first = before + from
    yield { batch: sliceRows(whole, from, to, whole.col.ts[to - 1]), sorted: true, after: (rows) => ({ rows: first + rows }) }
    from = to
  }
}

/** Rows in chunks of CHUNK_ROWS or somewhat more, in memory that is used again for the chunk after the next. */
async function* gathered(batches: AsyncGenerator<Batch<Second>, void, undefined>): AsyncGenerator<Chunk, void, undefined> {
  const buffers = [new RowBuffer<Second>(Second, CHUNK_ROWS), new RowBuffer<Second>(Second, CHUNK_ROWS)]
  let turn = 0
  for await (const batch of batches) {
    buffers[turn].append(batch)
    if (buffers[turn].n < CHUNK_ROWS) continue
    yield { n: buffers[turn].n, col: buffers[turn].col }
    turn ^= 1
    buffers[turn].clear()
  }
  if (buffers[turn].n > 0) yield { n: buffers[turn].n, col: buffers[turn].col }
}
