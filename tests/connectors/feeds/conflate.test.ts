import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ConflateOptions, conflate } from '../../../connectors/feeds/conflate.ts'
import type { Feed, FeedEvent } from '../../../connectors/feeds/feed.ts'
import type { Batch } from '../../../core/batch.ts'

const columns = { ts: 'time', instrument: 'instrument', price: 'f64' } as const
type Columns = typeof columns
type Row = readonly [instrument: number, ts: number, price: number]

const rows = (...all: Row[]): FeedEvent<Columns> => ({ kind: 'rows', batch: batchOf(all) })
const heartbeat = (ts: number): FeedEvent<Columns> => ({ kind: 'heartbeat', ts })
const gap = (id: number): FeedEvent<Columns> => ({
  kind: 'gap',
  gap: { id, connection: 0, reason: 'closed', from: 0, to: Number.NaN, attempts: 0, instruments: [] },
})

function batchOf(all: readonly Row[]): Batch<Columns> {
  const col = {
    instrument: Int32Array.from(all, ([id]) => id),
    ts: Float64Array.from(all, ([, ts]) => ts),
    price: Float64Array.from(all, ([, , price]) => price),
  }
  return { n: all.length, watermark: -Infinity, col }
}

/** A feed that says what it is told to, at once. */
class ToldFeed implements Feed<Columns> {
  readonly columns = columns
  readonly #events: (FeedEvent<Columns> | undefined)[] = []
  #wake: (() => void) | undefined
  failure: unknown

  say(...events: (FeedEvent<Columns> | undefined)[]): void {
    this.#events.push(...events)
    this.#wake?.()
  }
  async *start(signal: AbortSignal): AsyncGenerator<FeedEvent<Columns>> {
    signal.addEventListener('abort', () => this.say(undefined), { once: true })
    for (;;) {
      if (this.#events.length === 0)
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      const event = this.#events.shift()
      if (event !== undefined) yield event
      else if (this.failure !== undefined) throw this.failure
      else return
    }
  }
  counts = () => ({ messages: 7 })
}

const at = (event: FeedEvent<Columns> | undefined): Row[] | number | string | undefined => {
  if (event?.kind === 'heartbeat') return event.ts
  if (event?.kind === 'gap') return `gap ${event.gap.id}`
  if (event === undefined) return undefined
  const { n, col } = event.batch
  return Array.from({ length: n }, (_, i) => [col.instrument[i], col.ts[i], col.price[i]] as const)
}

/** All that has been said is with the decorator when a turn of the event loop has passed. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

function begun(options: Partial<ConflateOptions> = {}) {
  const told = new ToldFeed()
  const feed = conflate(told, { size: 3, enough: 1, linger: 5, ...options })
  const stop = new AbortController()
  const events = feed.start(stop.signal)[Symbol.asyncIterator]()
  const next = async () => at((await events.next()).value as FeedEvent<Columns> | undefined)
  return { told, feed, stop, events, next }
}

describe('a conflated feed', () => {
  it('hands over the newest row of each instrument, of those that came while nobody asked', async () => {
    const { told, feed, next } = begun()
    const first = next()
    told.say(rows([1, 10, 1]))
    expect(await first).toEqual([[1, 10, 1]])
    told.say(rows([1, 11, 2], [2, 11, 3]), rows([1, 13, 4], [1, 12, 5]), rows([2, 11, 6]))
    await settled()
    expect(await next()).toEqual([
      [1, 13, 4],
      [2, 11, 6],
    ])
    expect(feed.counts()).toEqual({ messages: 7, received: 6, delivered: 3, conflated: 3, dropped: 0, untimed: 0, waiting: 0 })
  })

  it('drops the instrument that has waited longest when one more comes than it has room for, and counts it', async () => {
    const { told, feed, next } = begun()
    const first = next()
    told.say(rows([9, 1, 1]))
    await first
    told.say(rows([1, 10, 1], [2, 10, 2], [3, 10, 3]), rows([1, 11, 4]), rows([4, 11, 5], [5, 11, 6], [1, 12, 7]))
    await settled()
    expect(await next()).toEqual([
      [4, 11, 5],
      [5, 11, 6],
      [1, 12, 7],
    ])
    expect(feed.rowCounts()).toMatchObject({ received: 8, delivered: 4, conflated: 1, dropped: 3 })
  })

  it('tells a gap before the rows that wait, and the newest heartbeat after them', async () => {
    const { told, next } = begun()
    const first = next()
    told.say(rows([9, 1, 1]))
    await first
    told.say(rows([1, 10, 1]), heartbeat(20), gap(1), rows([1, 30, 2]), heartbeat(40), gap(2))
    await settled()
    expect([await next(), await next(), await next(), await next()]).toEqual(['gap 1', 'gap 2', [[1, 30, 2]], 40])
  })

  it('waits for enough instruments, but no longer than it may linger', async () => {
    const { told, next } = begun({ enough: 2, linger: 30 })
    const began = performance.now()
    const first = next()
    told.say(rows([1, 10, 1]))
    expect(await first).toEqual([[1, 10, 1]])
    expect(performance.now() - began).toBeGreaterThan(20)
    const second = next()
    told.say(rows([1, 11, 2]), rows([2, 11, 3]))
    expect(await second).toEqual([
      [1, 11, 2],
      [2, 11, 3],
    ])
  })

  it('lets time go on by itself where a beat is asked for, from the newest time there was', async () => {
    const { told, next, stop } = begun({ beat: 10 })
    const first = next()
    const began = performance.now()
    told.say(rows([1, 5_000_000, 1]))
    await first
    const [one, two] = [Number(await next()), Number(await next())]
    expect(one).toBeGreaterThan(5_000_000)
    expect(two).toBeGreaterThan(one)
    expect(two).toBeLessThanOrEqual(5_000_000 + (performance.now() - began) * 1000)
    stop.abort()
  })

  it('hands over what waits when the feed ends or fails, and only then says so', async () => {
    const { told, next, events } = begun({ enough: 9, linger: 60_000 })
    told.failure = new Error('cut')
    told.say(rows([1, 10, 1]), undefined)
    expect(await next()).toEqual([[1, 10, 1]])
    await expect(events.next()).rejects.toThrow('cut')

    const quiet = begun({ enough: 9, linger: 60_000 })
    const first = quiet.next()
    quiet.told.say(rows([1, 10, 1]))
    quiet.stop.abort()
    expect(await first).toEqual([[1, 10, 1]])
    expect((await quiet.events.next()).done).toBe(true)
  })

  it('ends the feed when its consumer breaks off', async () => {
    const { told, events, next } = begun()
    const first = next()
    told.say(rows([1, 10, 1]))
    await first
    expect(await events.return?.(undefined)).toEqual({ done: true, value: undefined })
  })
})

/** What is said, and `take`: the consumer asks for what there is. */
type Move = { readonly say: readonly Row[] } | 'take'
const row = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constant(Number.NaN)), fc.double({ noNaN: true }))
const moves = fc.array(fc.oneof(fc.record({ say: fc.array(row, { maxLength: 12 }) }), fc.constant<'take'>('take')), { maxLength: 30 })

/** Plays it to the end; `deliveries` are the rows of each hand-over, `came` those that came before it since the one before. */
async function play(all: readonly Move[], size: number) {
  const { told, feed, stop, events } = begun({ size, linger: 0 })
  const deliveries: { readonly came: Row[]; readonly rows: Row[] }[] = []
  let came: Row[] = []
  const take = async () => {
    const { value, done } = await events.next()
    if (!done) deliveries.push({ came, rows: at(value) as Row[] })
    came = []
    return done
  }
  // The feed is read from the first question on.
  let asked: Promise<unknown> | undefined = take()
  for (const move of all) {
    if (move === 'take') {
      if (feed.rowCounts().waiting === 0) continue
      asked = take()
    } else {
      told.say(rows(...move.say))
      came.push(...move.say)
    }
    await settled()
    if (deliveries.length > 0 || move === 'take') await asked
  }
  stop.abort()
  while (!(await take()));
  return { deliveries, counts: feed.rowCounts() }
}

describe('whatever comes, and however the consumer stops and goes', () => {
  it('what is handed over is the newest of what came since, every row is accounted for, and with room for all none is dropped', async () => {
    await fc.assert(
      fc.asyncProperty(moves, fc.integer({ min: 1, max: 12 }), async (all, size) => {
        const { deliveries, counts } = await play(all, size)
        const said = all.flatMap((move) => (move === 'take' ? [] : move.say))
        expect(counts).toMatchObject({ received: said.length, waiting: 0, untimed: said.filter(([, ts]) => Number.isNaN(ts)).length })
        expect(counts.delivered + counts.conflated + counts.dropped + counts.untimed).toBe(said.length)
        expect(deliveries.reduce((sum, { rows }) => sum + rows.length, 0)).toBe(counts.delivered)
        for (const { came, rows: handed } of deliveries) {
          expect(handed.length).toBeLessThanOrEqual(size)
          expect(handed).toEqual(waitingOf(came, size))
        }
        if (size >= 10) {
          expect(counts.dropped).toBe(0)
          for (const id of new Set(said.filter(([, ts]) => !Number.isNaN(ts)).map(([id]) => id))) {
            const last = deliveries.findLast(({ rows }) => rows.some(([other]) => other === id))
            expect(last?.rows.find(([other]) => other === id)).toEqual(newestOf(last?.came.filter(([other]) => other === id) ?? []))
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})

const newestOf = (all: readonly Row[]): Row | undefined =>
  all.filter(([, ts]) => !Number.isNaN(ts)).reduce<Row | undefined>((best, row) => (best === undefined || row[1] >= best[1] ? row : best), undefined)

/** The same by a map in the order of arrival, in the columns' order: a full queue is written over from its start, round and round. */
function waitingOf(came: readonly Row[], size: number): Row[] {
  const places: Row[] = []
  let oldest = 0
  for (const row of came) {
    if (Number.isNaN(row[1])) continue
    const place = places.findIndex(([id]) => id === row[0])
    if (place >= 0) {
      if (row[1] >= places[place][1]) places[place] = row
    } else if (places.length < size) places.push(row)
    else {
      places[oldest] = row
      oldest = (oldest + 1) % size
    }
  }
  return places
}
