import { describe, expect, it } from 'vitest'
import { loadTopology } from '../../../cli/loadTopology.ts'
import { ExchangeTime } from '../../../connectors/feeds/exchangeTime.ts'
import type { Feed, FeedEvent, Gap } from '../../../connectors/feeds/feed.ts'
import { type FeedSourceOptions, feedSource } from '../../../connectors/feeds/source.ts'
import { memoryDestination } from '../../../connectors/memory/sink.ts'
import type { Schema } from '../../../core/batch.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Tick } from '../../../core/market.ts'
import type { Delivery } from '../../../core/ports.ts'
import { SECOND } from '../../../core/time.ts'
import { runPartition } from '../../../runtime/runPartition.ts'
import { handClock } from '../../kit/feedClock.ts'
import { at, type Row, rowsOf, toBatch, toRows } from '../../kit/table.ts'

const instruments = new Instruments()
const batch = (text: string) => toBatch(Tick, rowsOf(Tick, text), instruments)
const rows = (text: string): FeedEvent<Tick> => ({ kind: 'rows', batch: batch(text) })
const gap = (id: number, to = NaN, reason: Gap['reason'] = 'closed'): FeedEvent<Tick> => ({
  kind: 'gap',
  gap: { id, connection: id, reason, from: 0, to, attempts: 0, instruments: [] },
})

/** A feed that says what it is told to, and of whom nothing more comes once it is stopped. */
class SpokenFeed implements Feed<Tick> {
  readonly columns = Tick
  readonly #events: FeedEvent<Tick>[] = []
  #wake = (): void => {}
  ended = false
  /** What it throws when all it had to say was heard. */
  failure: Error | undefined

  say(...events: FeedEvent<Tick>[]): void {
    this.#events.push(...events)
    this.#wake()
  }
  counts = () => ({ messages: 9, stranger: 2, malformed: 0 })

  async *start(signal: AbortSignal): AsyncGenerator<FeedEvent<Tick>> {
    signal.addEventListener('abort', () => this.#wake())
    try {
      for (;;) {
        const event = this.#events.shift()
        if (event !== undefined) yield event
        else if (this.failure !== undefined) throw this.failure
        else if (signal.aborted) return
        else await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      this.ended = true
    }
  }
}

/** A source at work: what it delivered, and how it ended. */
function working(options: Partial<FeedSourceOptions<Schema>> = {}, signal = new AbortController().signal, from?: number) {
  const feed = new SpokenFeed()
  const clock = handClock(at('09:15:00'))
  const source = feedSource({ feed, clock, ...options })
  const heard: { rows: Row[]; watermark: number; position: unknown }[] = []
  const drain = async (): Promise<void> => {
    for await (const { batch, after } of source.open('feed', from, signal) as AsyncIterable<Delivery<Schema>>)
      heard.push({ rows: toRows(batch, options.columns ?? Tick, instruments), watermark: batch.watermark, position: after(batch.n) })
  }
  return { feed, clock, source, heard, done: drain() }
}

describe('the time of an exchange', () => {
  const time = (clock = handClock(at('09:15:00'))) => ({ clock, time: new ExchangeTime({ allowance: 2 * SECOND, reach: 30 * SECOND }, clock) })

  it('goes on with the clock from the latest time heard, behind by the allowance, no farther than its reach', async () => {
    const { clock, time: it } = time()
    expect(it.reached()).toBe(-Infinity)
    it.heard(at('09:14:00'))
    expect(it.reached()).toBe(at('09:13:58'))
    await clock.pass(5000)
    expect(it.reached()).toBe(at('09:14:03'))
    await clock.pass(60_000)
    expect(it.reached()).toBe(at('09:14:28'))
  })

  it('stands still while a connection is lost, and not for what the exchange refuses', async () => {
    const { clock, time: it } = time()
    it.heard(at('09:14:00'))
    for (const event of [gap(1), gap(2), gap(3, NaN, 'refused')]) if (event.kind === 'gap') it.gap(event.gap)
    await clock.pass(10_000)
    expect(it.reached()).toBe(at('09:13:58'))
    for (const event of [gap(1, 1), gap(2, 1)]) if (event.kind === 'gap') it.gap(event.gap)
    expect(it.reached()).toBe(at('09:14:08'))
  })

  it('never goes back, and does not believe a row of the day after tomorrow', async () => {
    const { clock, time: it } = time()
    it.heardRows(Float64Array.of(NaN, at('09:14:00'), at('2025-01-08 09:14:00'), at('09:13:00')), 4)
    await clock.pass(4000)
    expect(it.reached()).toBe(at('09:14:02'))
    it.heard(at('09:14:00.5'))
    expect(it.reached()).toBe(at('09:14:02'))
    expect(it.latest).toBe(at('09:14:00.5'))
  })

  it('recovers from a row that was some seconds ahead once time has come there', async () => {
    const { clock, time: it } = time()
    it.heard(at('09:15:10'))
    for (let second = 1; second <= 15; second++) {
      await clock.pass(1000)
      it.heard(at('09:15:00') + second * SECOND)
    }
    expect(it.reached()).toBeLessThanOrEqual(at('09:15:23'))
    await clock.pass(15_000)
    it.heard(at('09:15:30'))
    expect(it.reached()).toBe(at('09:15:28'))
  })
})

describe('a feed as a source', () => {
  it('delivers rows in their order with the time come to, counts positions on, and ends with the latest time', async () => {
    const stop = new AbortController()
    const { feed, heard, done, clock } = working({ stop: stop.signal }, undefined, 100)
    feed.say(rows('ts price\n 09:15:01 10\n 09:15:00 11'), rows('ts price\n 09:15:02 12'))
    await clock.pass(0)
    stop.abort()
    feed.say(rows('ts price\n 09:15:03 13'))
    await done
    expect(heard.map(({ rows, watermark, position }) => [rows.map(({ price }) => price), watermark, position])).toEqual([
      [[10, 11], at('09:14:59'), 102],
      [[12], at('09:15:00'), 103],
      [[13], at('09:15:01'), 104],
      [[], at('09:15:03'), 104],
    ])
    expect(feed.ended).toBe(true)
  })

  it('says once a beat how far time has come while nothing else comes', async () => {
    const stop = new AbortController()
    const { feed, heard, done, clock } = working({ stop: stop.signal })
    await clock.pass(3000)
    expect(heard).toEqual([])
    feed.say({ kind: 'heartbeat', ts: at('09:15:10') })
    await clock.pass(0)
    await clock.pass(4000)
    expect(heard.map(({ rows, watermark }) => [rows, watermark])).toEqual([9, 10, 11, 12].map((s) => [[], at('09:15:00') + s * SECOND]))
    stop.abort()
    await done
  })

  it('tells every gap when it opens and when it closes, and counts those that opened, beside what the feed left out', async () => {
    const stop = new AbortController()
    const told: Gap[] = []
    const { feed, source, done, clock } = working({ stop: stop.signal, onGap: (gap) => told.push(gap) })
    feed.say(gap(1), gap(2), gap(1, 5))
    await clock.pass(0)
    expect(told.map(({ id, to }) => [id, to])).toEqual([
      [1, NaN],
      [2, NaN],
      [1, 5],
    ])
    expect(source.counts?.('feed')).toEqual({ 'feed/gaps': 2, 'feed/stranger': 2 })
    stop.abort()
    await done
  })

  it('gives the columns wanted: some of the feed, and NaN where another feed would have one', async () => {
    const stop = new AbortController()
    const { feed, heard, done, clock } = working({ stop: stop.signal, columns: { ts: 'time', instrument: 'instrument', price: 'f64', iv: 'f64' } })
    feed.say(rows('ts instrument price\n 09:15:01 NIFTY 10\n 09:15:01 BANKNIFTY 11'))
    await clock.pass(0)
    stop.abort()
    await done
    expect(heard[0].rows).toEqual([
      { ts: at('09:15:01'), instrument: 'NIFTY', price: 10, iv: NaN },
      { ts: at('09:15:01'), instrument: 'BANKNIFTY', price: 11, iv: NaN },
    ])
  })

  it.each<Schema>([{ mood: 'f64' }, { price: 'i32' }])('refuses %o, which no feed has', (columns) => {
    expect(() => feedSource({ feed: new SpokenFeed(), columns })).toThrow(expect.objectContaining({ code: 'TOPOLOGY_INVALID' }))
  })

  it('ends with an error when aborted, after what came until then', async () => {
    const abort = new AbortController()
    const { feed, heard, done, clock } = working({}, abort.signal)
    feed.say(rows('ts price\n 09:15:01 10'))
    await clock.pass(0)
    feed.say(rows('ts price\n 09:15:02 11'))
    abort.abort(new Error('enough'))
    await expect(done).rejects.toThrow('enough')
    expect(heard.flatMap(({ rows }) => rows.map(({ price }) => price))).toEqual([10, 11])
  })

  it.each([true, false])('of a feed that fails delivers what came, and throws unless somebody is told (%s)', async (told) => {
    const failures: unknown[] = []
    const { feed, heard, done, clock } = working(told ? { onFailure: (thrown) => failures.push(thrown) } : {})
    feed.failure = new Error('the token ran out')
    feed.say(rows('ts price\n 09:15:01 10'))
    await (told ? done : expect(done).rejects.toBe(feed.failure))
    await clock.pass(0)
    expect(heard.flatMap(({ rows }) => rows.map(({ price }) => price))).toEqual([10])
    expect(heard.at(-1)?.watermark).toBe(told ? at('09:15:01') : at('09:14:59'))
    expect(failures).toEqual(told ? [feed.failure] : [])
  })

  it('frees what was open when it is broken off, and is not opened twice', async () => {
    const feed = new SpokenFeed()
    const source = feedSource({ feed, clock: handClock(at('09:15:00')) })
    feed.say(rows('ts price\n 09:15:01 10'))
    for await (const _ of source.open('feed', undefined, new AbortController().signal)) break
    expect(feed.ended).toBe(true)
    expect(() => source.open('feed', undefined, new AbortController().signal)).toThrow('cannot be read again')
  })

  it('runs through a topology: stopping flushes the epoch that was open', async () => {
    const stop = new AbortController()
    const feed = new SpokenFeed()
    const clock = handClock(at('09:15:00'))
    const topology = await loadTopology('ticks')
    const destination = memoryDestination()
    const source = feedSource({ feed, clock, stop: stop.signal, columns: Object.values(topology.inputs)[0] })
    const plan = { topology, params: {}, run: 'r', instruments, destinations: [destination], epochLength: 5 * SECOND, source, resume: false }
    const done = runPartition({ ...plan, checkpoints: undefined }, 'feed', { signal: new AbortController().signal })
    feed.say(rows('ts instrument price\n 09:15:01 NIFTY 10\n 09:15:06 NIFTY 11'))
    await clock.pass(0)
    stop.abort()
    const { rowsIn } = await done
    expect(rowsIn).toBe(2)
    expect(destination.epochs('feed').length).toBe(2)
  })
})
