import { allocate, type Batch, type Column, type Schema } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import { Quote } from '../../core/market.ts'
import { OptionQuote } from '../../core/optionQuote.ts'
import type { Delivery, Position, Source } from '../../core/ports.ts'
import { SECOND } from '../../core/time.ts'
import { type FeedClock, systemClock } from './clock.ts'
import { ExchangeTime, type ExchangeTimeOptions } from './exchangeTime.ts'
import type { Feed, FeedEvent, Gap } from './feed.ts'

export interface FeedSourceOptions<S extends Schema> {
  readonly feed: Feed
  /** Columns delivered; those of `Quote` and `OptionQuote` that the feed lacks are NaN. Default: the feed's. */
  readonly columns?: S
  /** What its one partition is called. */
  readonly partition?: string
  /** Ends the feed: what came until then is delivered, and the partition is finished. */
  readonly stop?: AbortSignal
  readonly clock?: FeedClock
  /** While no rows come, milliseconds between two deliveries that say how far time has come. */
  readonly beat?: number
  /** Where it is not as `usual`. */
  readonly time?: Partial<ExchangeTimeOptions>
  /** When a gap opens, and again when it closes. */
  onGap?(gap: Gap): void
  /**
   * The feed has failed. Where it is given, the partition is finished as by `stop`, so that what came is written, and
   * the failure is for whoever is told; without it the iteration throws.
   */
  onFailure?(thrown: unknown): void
}

const usual: ExchangeTimeOptions = { allowance: 2 * SECOND, reach: 30 * SECOND }

/** Counts of a feed that are of rows, or of what should have been some. */
const ofRows = ['malformed', 'unreadable', 'stranger', 'unnamed', 'namesakes', 'refused', 'partial', 'untimed', 'ahead', 'conflated', 'dropped']

/**
 * A feed as a source of one partition, for a topology in the same process.
 *
 * A feed cannot be read again, so it differs from what other sources owe: it is opened once, and a position is how many
 * rows were delivered, which says where a run stands and leads nowhere. Where an earlier run stood is counted on from.
 * Watermarks are as ExchangeTime has them, with deliveries of no row once a beat; the last one is the latest time that
 * was heard, which closes no window that was still open.
 *
 * `stop` ends it in order. The signal of `open` ends it with an error; in both cases what came until then is delivered.
 * Throws TOPOLOGY_INVALID for a column that no feed has, and what the feed throws, unless `onFailure` is told.
 */
export function feedSource<S extends Schema = Schema>(options: FeedSourceOptions<S>): Source<S> {
  const { feed, partition = 'feed' } = options
  const project = projection(feed.columns, options.columns)
  let opened = false
  let gaps = 0
  const onGap = (gap: Gap): void => {
    if (Number.isNaN(gap.to)) gaps++
    options.onGap?.(gap)
  }
  return {
    partitions: async () => [{ name: partition }],
    open(_, from, signal) {
      if (opened) throw new TypeError('a feed cannot be read again')
      opened = true
      return deliveries<S>({ ...options, onGap }, project as (batch: Batch<Schema>) => Batch<S>, rowsOf(from), signal)
    },
    counts: () => ({ 'feed/gaps': gaps, ...named(feed.counts()) }),
    close: async () => {},
  }
}

async function* deliveries<S extends Schema>(
  options: FeedSourceOptions<S>,
  project: (batch: Batch<Schema>) => Batch<S>,
  before: number,
  signal: AbortSignal,
): AsyncGenerator<Delivery<S>> {
  const { feed, clock = systemClock, beat = 1000, stop, time: special, onGap, onFailure } = options
  const ends = new AbortController()
  const end = (): void => ends.abort()
  for (const ending of [signal, stop]) if (ending?.aborted) end()
  for (const ending of [signal, stop]) ending?.addEventListener('abort', end, { once: true })
  const time = new ExchangeTime({ ...usual, ...special }, clock)
  const beats = new Beats(clock, beat)
  const events = feed.start(ends.signal)[Symbol.asyncIterator]()
  const read = (): Promise<IteratorResult<FeedEvent<Schema>>> => {
    if (onFailure === undefined) return events.next()
    return events.next().catch((thrown: unknown) => {
      onFailure(thrown)
      return { done: true, value: undefined }
    })
  }
  let watermark = -Infinity
  let delivered = before
  const moment = (to: number): Delivery<S> | undefined => {
    if (!(to > watermark)) return undefined
    watermark = to
    const position = delivered
    return { batch: project({ n: 0, watermark, col: {} }), after: () => position }
  }
  try {
    let next = read()
    for (;;) {
      const came = await Promise.race([next, beats.due])
      if (came === undefined) {
        // After a standstill of this process, what waits in the sockets comes first.
        const still = beats.begin() ? moment(time.reached()) : undefined
        if (still !== undefined) yield still
      } else if (came.done) break
      else {
        const event: FeedEvent<Schema> = came.value
        if (event.kind === 'rows') {
          time.heardRows(event.batch.col['ts'] as Float64Array, event.batch.n)
          watermark = time.reached()
          const first = delivered
          delivered += event.batch.n
          yield { batch: { ...project(event.batch), watermark }, after: (rows): Position => first + rows }
        } else if (event.kind === 'heartbeat') time.heard(event.ts)
        else {
          time.gap(event.gap)
          onGap?.(event.gap)
        }
        next = read()
      }
    }
    signal.throwIfAborted()
    const last = moment(time.latest)
    if (last !== undefined) yield last
  } finally {
    beats.stop()
    for (const ending of [signal, stop]) ending?.removeEventListener('abort', end)
    // A feed that waits for its sockets hears of nothing else.
    end()
    await events.return?.()
  }
}

/** Resolves `due` a beat after `begin`. */
class Beats {
  due: Promise<undefined> = Promise.resolve(undefined)
  readonly #clock: FeedClock
  readonly #milliseconds: number
  #cancel: () => void = () => {}
  #begun = 0

  constructor(clock: FeedClock, milliseconds: number) {
    this.#clock = clock
    this.#milliseconds = milliseconds
    this.begin()
  }

  /** False: the one before was due long ago. */
  begin(): boolean {
    const [begun, now] = [this.#begun, this.#clock.elapsed()]
    this.#begun = now
    this.due = new Promise((resolve) => {
      this.#cancel = this.#clock.after(this.#milliseconds, () => resolve(undefined))
    })
    return now - begun <= 2 * this.#milliseconds
  }

  stop(): void {
    this.#cancel()
  }
}

/** The columns wanted, as views; those that the feed lacks share NaN, which nobody writes into. */
function projection(has: Schema, wanted: Schema = has): (batch: Batch<Schema>) => Batch<Schema> {
  const known: Schema = { ...Quote, ...OptionQuote }
  for (const [name, kind] of Object.entries(wanted)) {
    if (has[name] === kind || (has[name] === undefined && known[name] === kind)) continue
    const columns = Object.entries({ ...known, ...has }).map((column) => column.join(' '))
    throw new TickloomError('TOPOLOGY_INVALID', `no feed has a column ${name} ${kind}; there are ${columns.join(', ')}`, { column: name })
  }
  const [given, lacking] = [true, false].map((there) => Object.keys(wanted).filter((name) => name in has === there))
  let nothing = new Float64Array(0)
  const empty: Readonly<Record<string, Column>> = Object.fromEntries(Object.entries(wanted).map(([name, kind]) => [name, allocate(kind, 0)]))
  return ({ n, watermark, col }) => {
    if (n === 0) return { n, watermark, col: empty }
    if (lacking.length > 0 && nothing.length < n) nothing = new Float64Array(n * 2).fill(NaN)
    const picked: Record<string, Column> = {}
    for (const name of given) picked[name] = col[name]
    for (const name of lacking) picked[name] = nothing
    return { n, watermark, col: picked }
  }
}

function rowsOf(position: Position | undefined): number {
  return typeof position === 'number' ? position : 0
}

function named(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(ofRows.filter((name) => (counts[name] ?? 0) > 0).map((name) => [`feed/${name}`, counts[name]]))
}
