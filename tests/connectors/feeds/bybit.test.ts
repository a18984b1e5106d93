import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BybitFeed, type BybitFeedOptions } from '../../../connectors/feeds/bybit/feed.ts'
import { Instruments, nameOf } from '../../../core/instruments.ts'
import { parseBybitSymbol } from '../../../markets/bybit/symbols.ts'
import { BybitServer } from '../../kit/bybitServer.ts'
import { fastClock, handClock } from '../../kit/feedClock.ts'
import { expectGapsInOrder, expectKept, type Heard, hear } from '../../kit/feedContract.ts'
import { breaks } from '../../kit/wsServer.ts'

let market: BybitServer
let instruments: Instruments
let stop: AbortController
let folder: string

beforeEach(async () => {
  market = new BybitServer()
  await market.server.listen()
  instruments = new Instruments()
  stop = new AbortController()
  folder = mkdtempSync(join(tmpdir(), 'tickloom-feed-'))
})
afterEach(async () => {
  stop.abort()
  await market.server.close()
  rmSync(folder, { recursive: true })
})

const strikes = (n: number, from = 50_000) => Array.from({ length: n }, (_, i) => ({ symbol: `BTC-27MAR26-${from + i * 500}-C-USDT` }))
const idOf = (symbol: string): number => instruments.id(nameOf(parseBybitSymbol(symbol)))

function feedOf(options: Partial<BybitFeedOptions> = {}): BybitFeed {
  return new BybitFeed({
    coins: ['BTC'],
    instruments,
    nameOf: (symbol) => nameOf(parseBybitSymbol(symbol)),
    rest: market.rest,
    stream: market.stream,
    clock: fastClock(1),
    ...options,
  })
}

/** The feed at work, until `stop`. */
function running(feed: BybitFeed): { heard: Heard[]; done: Promise<void> } {
  const heard: Heard[] = []
  return { heard, done: hear(feed, stop.signal, heard) }
}

const subscribed = (n: number) =>
  vi.waitFor(() => expect([...market.topics].filter(([client]) => client.open).reduce((sum, [, topics]) => sum + topics.size, 0)).toBe(n), 20_000)
const rows = (heard: readonly Heard[]) => heard.flatMap((event) => (event.kind === 'row' ? [event.row] : []))
const rowsCame = (heard: readonly Heard[], n: number) => vi.waitFor(() => expect(rows(heard).length).toBe(n), 20_000)

describe('the bybit feed', () => {
  it('lists the options of all coins page by page, those that trade, and sends their tickers as rows', async () => {
    market.listing.set('BTC', [...strikes(5), { symbol: 'BTC-28MAR26-1000-C-USDT', status: 'PreLaunch' }])
    market.listing.set('ETH', [{ symbol: 'ETH-27MAR26-2000-P' }])
    const feed = feedOf({ coins: ['BTC', 'ETH'], page: 2 })
    const { heard, done } = running(feed)
    await subscribed(6)
    market.tick('ETH-27MAR26-2000-P')
    await rowsCame(heard, 1)
    stop.abort()
    await done
    expect(market.asked.map((query) => `${query.get('baseCoin')} ${query.get('cursor')}`)).toEqual([
      'BTC null',
      'BTC first%3D2',
      'BTC first%3D4',
      'ETH null',
    ])
    expect(instruments.name(rows(heard)[0]['instrument'])).toBe('ETH:2026-03-27:2000:PE')
    expect(rows(heard)[0]).toMatchObject({ ts: 1_700_000_000_000_000, price: 10.75, bid: 10.5, ask: 11, volume: 86, iv: 0.4896, theta: -19.9115368 })
  })

  it('keeps within the limits of a connection and opens as many as it takes', async () => {
    market.listing.set('BTC', strikes(47))
    const { done } = running(feedOf({ limits: { args: 20, characters: 500 }, chunk: 4 }))
    await subscribed(47)
    stop.abort()
    await done
    for (const topics of market.topics.values()) {
      expect(topics.size).toBeLessThanOrEqual(20)
      expect(JSON.stringify([...topics].map((symbol) => `tickers.${symbol}`)).length).toBeLessThanOrEqual(500)
    }
    expect(market.topics.size).toBe(4)
    expect(Math.max(...market.requests.map(({ args }) => args?.length ?? 0))).toBe(4)
  })

  it('subscribes what is newly listed and leaves what has expired, without a new connection', async () => {
    const [clock, minute] = [handClock(), 60_000]
    const soon = String(clock.now() / 1000 + 30 * minute)
    market.listing.set('BTC', [...strikes(2), { symbol: 'BTC-1NOV23-9-P', deliveryTime: soon }])
    const feed = feedOf({ clock, session: { times: slowTimes }, refresh: 10 * minute })
    const { done } = running(feed)
    await subscribed(3)
    market.listing.set('BTC', strikes(4))
    await vi.waitFor(async () => {
      await clock.pass(5 * minute)
      expect([...market.topics.values()].map((topics) => [...topics].sort())).toEqual([strikes(4).map(({ symbol }) => symbol)])
    }, 20_000)
    stop.abort()
    await done
  })

  it('starts from the listing that is kept while it is a day old at most, and else asks', async () => {
    const listingFile = join(folder, 'listing.json')
    market.listing.set('BTC', strikes(3))
    const first = running(feedOf({ listingFile }))
    await subscribed(3)
    stop.abort()
    await first.done
    expect(readdirSync(folder)).toEqual(['listing.json'])

    market.status = 500
    stop = new AbortController()
    const second = running(feedOf({ listingFile }))
    await subscribed(3)
    stop.abort()
    await second.done
    expect(market.asked.length).toBe(1)

    // Too old, and the exchange does not answer: better than nothing.
    const kept = JSON.parse(readFileSync(listingFile, 'utf8')) as { at: number }
    writeFileSync(listingFile, JSON.stringify({ ...kept, at: kept.at - 25 * 3_600_000 }))
    stop = new AbortController()
    const feed = feedOf({ listingFile })
    const third = running(feed)
    await subscribed(3)
    stop.abort()
    await third.done
    expect(feed.counts()).toMatchObject({ 'listing failures': 1 })
  })

  it('fails when there is no listing at all', async () => {
    await expect(hear(feedOf(), stop.signal, [])).rejects.toMatchObject({ code: 'FEED_REFUSED' })
    market.status = 503
    await expect(hear(feedOf(), stop.signal, [])).rejects.toMatchObject({ code: 'FEED_UNREACHABLE' })
  })

  it.each([true, false])('leaves out what the exchange refuses, named (%s) or not, and subscribes the rest', async (named) => {
    market.listing.set('BTC', strikes(30))
    market.refused.add(strikes(30)[17].symbol)
    market.namesRefused = named
    const { heard, done } = running(feedOf())
    await subscribed(29)
    await vi.waitFor(() => expect(heard.some((event) => event.kind === 'gap')).toBe(true), 20_000)
    stop.abort()
    await done
    expect(heard.flatMap((event) => (event.kind === 'gap' ? [[event.gap.reason, ...event.gap.instruments]] : []))).toEqual([
      ['refused', idOf(strikes(30)[17].symbol)],
    ])
  })

  it('drops a connection that does not answer its subscription, and one that falls silent', async () => {
    market.listing.set('BTC', strikes(1))
    market.deaf = true
    const { heard, done } = running(feedOf({ clock: fastClock(100) }))
    await vi.waitFor(() => expect(heard.filter((event) => event.kind === 'gap').length).toBe(1), 20_000)
    market.deaf = false
    await vi.waitFor(() => expect(heard.filter((event) => event.kind === 'gap').length).toBe(2), 20_000)
    market.server.clients.at(-1)?.break('mute')
    await vi.waitFor(() => expect(expectGapsInOrder(heard).length).toBe(2), 20_000)
    stop.abort()
    await done
    expect(expectGapsInOrder(heard).map(({ reason }) => reason)).toEqual(['unanswered', 'silent'])
  })

  it('stays on one connection as long as pings are answered, however quiet the market is', async () => {
    market.listing.set('BTC', strikes(1))
    // Pings every sixth of a second; without answers it would be dropped after three.
    const { heard, done } = running(feedOf({ clock: fastClock(120) }))
    await vi.waitFor(() => expect(heard.length).toBeGreaterThan(5), 20_000)
    stop.abort()
    await done
    expect(new Set(heard.map(({ kind }) => kind))).toEqual(new Set(['heartbeat']))
    expect(market.server.clients.length).toBe(1)
  })

  it('counts messages that are none and goes on', async () => {
    market.listing.set('BTC', strikes(1))
    const [{ symbol }] = strikes(1)
    const feed = feedOf()
    const { heard, done } = running(feed)
    await subscribed(1)
    const [client] = market.server.clients
    for (const text of ['', '{', 'null', '[]', '7', '{"topic":"tickers.X"}', `{"topic":"tickers.X","ts":"1","data":{"symbol":"${symbol}"}}`])
      client.send(text)
    client.send(Buffer.from([1, 2, 3]))
    client.send('{"topic":"tickers.X","ts":1,"data":{"symbol":"BTC-27MAR26-1-C"}}')
    client.send('{"hello":1}')
    market.tick(symbol)
    await rowsCame(heard, 1)
    stop.abort()
    await done
    expect(feed.counts()).toMatchObject({ malformed: 8, stranger: 1, unknown: 1 })
    expect(feed.counts()).not.toHaveProperty('losses')
  })

  it('reads no further while its consumer is busy, and loses nothing by it', async () => {
    market.listing.set('BTC', strikes(1))
    const [{ symbol }] = strikes(1)
    const feed = feedOf({ session: { most: 50, enough: 10, linger: 1 } })
    const heard: Heard[] = []
    const done = hear(feed, stop.signal, heard, () => sleep(2))
    await subscribed(1)
    for (let i = 0; i < 3000; i++) market.tick(symbol)
    await rowsCame(heard, 3000)
    stop.abort()
    await done
    expect(rows(heard).map(({ ts }) => ts)).toEqual(market.sent.map(({ ts }) => ts * 1000))
    expect(feed.counts()['pauses']).toBeGreaterThan(0)
  })
})

/** Bybit's own, but for the farewell, which would be 5 ms of a test at this speed. */
const stormTimes = { ping: 20_000, silence: 45_000, answer: 10_000, settled: 60_000, farewell: 600_000 }
const DAY = 24 * 3_600_000
const slowTimes = { ping: DAY, silence: DAY, answer: DAY, settled: DAY, farewell: DAY }

describe('ten minutes with twenty breaks', () => {
  it('lose nothing that could have been kept', { timeout: 60_000 }, async () => {
    const symbols = strikes(50).map(({ symbol }) => symbol)
    market.listing.set('BTC', strikes(50))
    const clock = fastClock(200)
    const feed = feedOf({ clock, limits: { args: 20, characters: 21_000 }, chunk: 10, session: { times: stormTimes, most: 100, enough: 64 } })
    const heard: Heard[] = []
    const done = hear(feed, stop.signal, heard, ({ kind }) => (kind === 'rows' && heard.length % 5 === 0 ? sleep(60) : undefined))
    // Ticks of the market that nobody was sent, and when they were.
    const missed: { readonly symbol: string; readonly at: number }[] = []
    await subscribed(50)

    const started = performance.now()
    let broken = 0
    for (let step = 0; performance.now() - started < 3000 || broken < 20; step++) {
      for (let i = 0; i < 20; i++) {
        const symbol = symbols[(step * 20 + i * 7) % 50]
        if (market.tick(symbol, i === 3 ? 2 : 1) === 0) missed.push({ symbol, at: clock.now() })
      }
      const standing = market.server.clients.filter((client) => client.open && (market.topics.get(client)?.size ?? 0) > 0)
      const victim = standing[step % Math.max(1, standing.length)]
      if (step % 11 === 3) victim?.readSlowly(30)
      if (step % 13 === 5) victim?.send('{"not": "a ticker')
      if (broken < 20 && victim !== undefined && performance.now() - started > broken * 145) victim.break(breaks[broken++ % breaks.length])
      await sleep(5)
    }
    await subscribed(50)
    stop.abort()
    for (const symbol of symbols) market.tick(symbol)
    await done

    const sent = market.sent.map(({ client, symbol, ts }) => ({ client, instrument: idOf(symbol), ts: ts * 1000 }))
    const { delivered, lost } = expectKept(sent, heard, market.server.clients)
    const gaps = expectGapsInOrder(heard)
    expect(delivered).toBe(sent.length - lost)
    expect(gaps.length).toBeGreaterThanOrEqual(20)
    expect(missed.length).toBeGreaterThan(20)
    const untold = missed.filter(({ symbol, at }) => !gaps.some(({ to, instruments: of }) => at <= to && of.includes(idOf(symbol))))
    expect(untold).toEqual([])
    expect(feed.counts()['pauses']).toBeGreaterThan(0)
    expect(new Set(gaps.map(({ reason }) => reason))).toEqual(new Set(['closed', 'malformed', 'silent']))
    expect(feed.counts()).toMatchObject({ losses: gaps.length, connections: market.server.clients.length })
  })
})
