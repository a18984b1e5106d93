import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { KiteCredentials } from '../../../connectors/feeds/kite/credentials.ts'
import { KiteFeed, type KiteFeedOptions } from '../../../connectors/feeds/kite/feed.ts'
import { Instruments, nameOf } from '../../../core/instruments.ts'
import { kiteContract } from '../../../markets/nse/kiteContracts.ts'
import { fastClock } from '../../kit/feedClock.ts'
import { expectGapsInOrder, expectKept, type Heard, hear } from '../../kit/feedContract.ts'
import { DUMP_HEADING, frameOf, fullPacket, KiteServer } from '../../kit/kiteServer.ts'
import { breaks } from '../../kit/wsServer.ts'

const [KEY, TOKEN] = ['key0Key0', 'token/1+Token1']

let market: KiteServer
let instruments: Instruments
let stop: AbortController
let folder: string
let said: string[]

beforeEach(async () => {
  market = new KiteServer()
  await market.server.listen()
  instruments = new Instruments()
  stop = new AbortController()
  folder = mkdtempSync(join(tmpdir(), 'tickloom-feed-'))
  said = []
})
afterEach(async () => {
  stop.abort()
  await market.close()
  rmSync(folder, { recursive: true })
})

/** Options of NIFTY, whose tokens end with the segment NFO. */
const tokenOf = (i: number): number => (i + 1) * 256 + 2
const option = (i: number) => `${tokenOf(i)},${i},NIFTY24104${21000 + i * 50}CE,NIFTY,0,2024-01-04,${21000 + i * 50},0.05,50,CE,NFO-OPT,NFO`
const options = (n: number) => Array.from({ length: n }, (_, i) => option(i))
const idOf = (token: number): number => instruments.id(`NIFTY:2024-01-04:${21000 + ((token - 2) / 256 - 1) * 50}:CE`)

function feedOf(over: Partial<KiteFeedOptions> = {}): KiteFeed {
  return new KiteFeed({
    credentials: new KiteCredentials(KEY, TOKEN),
    instruments,
    nameOf: (listed) => (listed.name === 'NIFTY' || listed.segment === 'INDICES' ? nameOf(kiteContract(listed)) : undefined),
    rest: market.rest,
    stream: market.stream,
    clock: fastClock(1),
    say: (message) => said.push(message),
    ...over,
  })
}

function running(feed: KiteFeed): { heard: Heard[]; done: Promise<void> } {
  const heard: Heard[] = []
  return { heard, done: hear(feed, stop.signal, heard) }
}

const inFull = () => [...market.modes].filter(([client]) => client.open).flatMap(([, modes]) => [...modes].filter(([, mode]) => mode === 'full'))
const subscribed = (n: number) => vi.waitFor(() => expect(inFull().length).toBe(n), 20_000)
const rows = (heard: readonly Heard[]) => heard.flatMap((event) => (event.kind === 'row' ? [event.row] : []))
const rowsCame = (heard: readonly Heard[], n: number) => vi.waitFor(() => expect(rows(heard).length).toBe(n), 20_000)

describe('the kite feed', () => {
  it('subscribes what is wanted of the dump in the mode full, and sends its packets as rows', async () => {
    market.dump.push(...options(2), `256265,1001,NIFTY 50,"NIFTY 50",0,,0,0,0,EQ,INDICES,NSE`, `408065,1594,INFY,INFOSYS,0,,0,0.05,1,EQ,NSE,NSE`)
    const { heard, done } = running(feedOf({ chunk: 2 }))
    await subscribed(3)
    market.tick([tokenOf(1), 256265])
    await rowsCame(heard, 2)
    stop.abort()
    await done
    expect(market.requests).toEqual([
      { a: 'subscribe', v: [tokenOf(0), tokenOf(1)] },
      { a: 'mode', v: ['full', [tokenOf(0), tokenOf(1)]] },
      { a: 'subscribe', v: [256265] },
      { a: 'mode', v: ['full', [256265]] },
    ])
    expect(market.server.clients[0].query.get('api_key')).toBe(KEY)
    expect(market.server.clients[0].query.get('access_token')).toBe(TOKEN)
    expect(market.asked[0]).toMatchObject({ authorization: `token ${KEY}:${TOKEN}`, 'x-kite-version': '3' })
    expect(rows(heard)[0]).toMatchObject({ ts: 1_700_000_000_000_000, price: 100, bid: 10.03, askSize: 12, volume: 1001, oi: 1002 })
    expect(rows(heard).map(({ instrument }) => instruments.name(instrument))).toEqual(['NIFTY:2024-01-04:21050:CE', 'NIFTY'])
  })

  it('has as many connections as it takes, and refuses more than a key has', async () => {
    market.dump.push(...options(7))
    const { done } = running(feedOf({ limits: { tokens: 3, connections: 3 } }))
    await subscribed(7)
    stop.abort()
    await done
    expect([...market.modes.values()].map(({ size }) => size)).toEqual([3, 3, 1])
    market.dump.push(option(7), option(8), option(9))
    const more = feedOf({ limits: { tokens: 3, connections: 3 } })
    await expect(hear(more, new AbortController().signal, [])).rejects.toMatchObject({ code: 'FEED_REFUSED', at: { wanted: 10, most: 9 } })
  })

  it('says how far time has come while nothing but beats come', async () => {
    market.dump.push(...options(1))
    const { heard, done } = running(feedOf({ clock: fastClock(100) }))
    await subscribed(1)
    market.tick([tokenOf(0)])
    await vi.waitFor(() => expect(heard.filter(({ kind }) => kind === 'heartbeat').length).toBeGreaterThan(3), 20_000)
    stop.abort()
    await done
    const beats = heard.flatMap((event) => (event.kind === 'heartbeat' ? [event.ts] : []))
    expect(beats).toEqual([...beats].sort((a, b) => a - b))
    expect(beats[0]).toBeGreaterThanOrEqual(market.sent[0].ts)
    expect(beats[3] - beats[0]).toBeGreaterThan(1_000_000)
  })

  it('keeps the dump of the day, and takes one of before when there is none to be had', async () => {
    market.dump.push(...options(2))
    const keep = join(folder, 'dump.csv.gz')
    const starts = async (over: Partial<KiteFeedOptions> = {}): Promise<KiteFeed> => {
      stop = new AbortController()
      const feed = feedOf({ keep, ...over })
      const { done } = running(feed)
      await subscribed(2)
      stop.abort()
      await done
      return feed
    }
    await starts()
    await starts()
    expect(market.asked.length).toBe(1)
    expect(readdirSync(folder)).toEqual(['dump.csv.gz'])

    // The clock of these tests stands at 03:43 in Kolkata of 2023-11-15: the dump of that day is not made yet.
    const at = (clock: string): void => utimesSync(keep, new Date(`${clock}+05:30`), new Date(`${clock}+05:30`))
    at('2023-11-14T08:31:00')
    await starts()
    expect(market.asked.length).toBe(1)
    at('2023-11-14T08:29:00')
    await starts()
    expect(market.asked.length).toBe(2)
    at('2023-11-14T08:29:00')
    market.status = 503
    expect((await starts()).counts()).toMatchObject({ 'listing failures': 1 })
    expect(said).toEqual([expect.stringContaining('the dump of instruments is one of before')])

    writeFileSync(join(folder, 'given.csv'), `${DUMP_HEADING}\r\n${options(2).join('\r\n')}\r\n`)
    await starts({ file: join(folder, 'given.csv'), keep: undefined })
    expect(market.asked.length).toBe(3)
  })

  it.each([
    ['a token that ran out, over HTTP', 'FEED_REFUSED', () => void (market.status = 403)],
    ['a token that ran out, at the stream', 'FEED_REFUSED', () => void (market.server.refuse = 403)],
    ['no dump', 'FEED_UNREACHABLE', () => void (market.status = 500)],
    ['a dump of nothing that is wanted', 'FEED_REFUSED', () => void market.dump.splice(0)],
    ['what is no dump', 'INPUT_UNREADABLE', () => void market.dump.push('<html>')],
  ])('fails with %s: %s', async (_, code, prepare) => {
    market.dump.push(...options(1))
    prepare()
    if (code === 'INPUT_UNREADABLE') market.dump.push('NaN,1,2')
    await expect(hear(feedOf(), stop.signal, [])).rejects.toMatchObject({ code })
  })

  it('shows neither key nor token: not in what it says, in what it throws, nor where it is printed', async () => {
    market.dump.push(...options(1))
    const credentials = new KiteCredentials(KEY, TOKEN)
    const feed = feedOf({ credentials })
    const { done } = running(feed)
    await subscribed(1)
    market.server.clients[0].send(
      JSON.stringify({ type: 'error', data: `no such thing as ?api_key=${KEY}&access_token=${encodeURIComponent(TOKEN)}` }),
    )
    await vi.waitFor(() => expect(said).toEqual(['Kite says: no such thing as ?api_key=***&access_token=***']), 20_000)
    stop.abort()
    await done

    const thrown: unknown[] = []
    for (const break_ of [() => void (market.server.refuse = 401), () => void (market.status = 403), () => void (market.status = 500)]) {
      break_()
      await hear(feedOf({ credentials }), new AbortController().signal, []).catch((error) => thrown.push(error))
    }
    await hear(feedOf({ credentials, rest: 'http://127.0.0.1:1' }), new AbortController().signal, []).catch((error) => thrown.push(error))
    await hear(feedOf({ credentials, rest: 'no address' }), new AbortController().signal, []).catch((error) => thrown.push(error))
    market.status = 200
    await hear(feedOf({ credentials, stream: 'ftp://127.0.0.1:1' }), new AbortController().signal, []).catch((error) => thrown.push(error))
    await hear(feedOf({ credentials, stream: 'no address' }), new AbortController().signal, []).catch((error) => thrown.push(error))
    expect(thrown.length).toBe(7)
    const shown = [...thrown.map((error) => inspect(error, { depth: 9, showHidden: true })), ...said, inspect(feed), inspect(credentials)]
    for (const text of [...shown, JSON.stringify({ credentials }), `${credentials}`])
      for (const secret of [KEY, TOKEN, encodeURIComponent(TOKEN)]) expect(text).not.toContain(secret)
  })

  it('counts what is no packet, words of the account, and strangers, and goes on', async () => {
    market.dump.push(...options(1))
    const feed = feedOf()
    const { heard, done } = running(feed)
    await subscribed(1)
    const [client] = market.server.clients
    for (const text of ['', '{', '[]', '7']) client.send(text)
    client.send('{"type":"order","data":{"order_id":"1"}}')
    client.send('{"type":"riddle"}')
    client.send(Buffer.alloc(0))
    client.send(Buffer.from([0, 1, 0, 184, 1]))
    client.send(frameOf([fullPacket({ token: 999, price: 1, time: 1 }), Buffer.alloc(44)]))
    market.tick([tokenOf(0)])
    await rowsCame(heard, 1)
    stop.abort()
    await done
    expect(feed.counts()).toMatchObject({ malformed: 6, orders: 1, unknown: 1, stranger: 1, partial: 1 })
    expect(feed.counts()).not.toHaveProperty('losses')
  })

  it('drops a connection on which nothing comes after the subscription, and one that falls silent', async () => {
    market.dump.push(...options(1))
    market.deaf = true
    const { heard, done } = running(feedOf({ clock: fastClock(50) }))
    await vi.waitFor(() => expect(heard.filter(({ kind }) => kind === 'gap').length).toBe(1), 20_000)
    market.deaf = false
    await vi.waitFor(() => expect(heard.filter(({ kind }) => kind === 'gap').length).toBe(2), 20_000)
    market.server.clients.at(-1)?.break('mute')
    await vi.waitFor(() => expect(expectGapsInOrder(heard).length).toBe(2), 20_000)
    stop.abort()
    await done
    expect(expectGapsInOrder(heard).map(({ reason }) => reason)).toEqual(['unanswered', 'silent'])
  })
})

/** Kite's own would be 50 ms of a test at this speed, and 5 ms for a farewell: a machine at work may well stand still for so long. */
const times = { ping: 20_000, silence: 45_000, answer: 20_000, settled: 60_000, farewell: 600_000 }

describe('ten minutes of kite with twenty breaks', () => {
  it('lose nothing that could have been kept', { timeout: 60_000 }, async () => {
    const tokens = Array.from({ length: 50 }, (_, i) => tokenOf(i))
    market.dump.push(...options(50))
    const clock = fastClock(200)
    const feed = feedOf({ clock, limits: { tokens: 20, connections: 3 }, chunk: 10, session: { times, most: 100, enough: 64 } })
    const heard: Heard[] = []
    const done = hear(feed, stop.signal, heard, ({ kind }) => (kind === 'rows' && heard.length % 5 === 0 ? sleep(60) : undefined))
    /** Ticks of the market that nobody was sent, and when they were. */
    const missed: { readonly token: number; readonly at: number }[] = []
    await subscribed(50)

    const started = performance.now()
    let broken = 0
    for (let step = 0; performance.now() - started < 3000 || broken < 20; step++) {
      const some = Array.from({ length: 20 }, (_, i) => tokens[(step * 20 + i * 7) % 50])
      for (const token of market.tick(some, step % 3 === 0 ? 2 : 1)) missed.push({ token, at: clock.now() })
      const standing = market.server.clients.filter((client) => client.open && (market.modes.get(client)?.size ?? 0) > 0)
      const victim = standing[step % Math.max(1, standing.length)]
      if (step % 11 === 3) victim?.readSlowly(30)
      if (step % 13 === 5) victim?.send(Buffer.from([0, 3, 0, 184, 9]))
      if (broken < 20 && victim !== undefined && performance.now() - started > broken * 145) victim.break(breaks[broken++ % breaks.length])
      await sleep(5)
    }
    await subscribed(50)
    stop.abort()
    market.tick(tokens)
    await done

    const sent = market.sent.map(({ client, token, ts }) => ({ client, instrument: idOf(token), ts }))
    const { delivered, lost } = expectKept(sent, heard, market.server.clients)
    const gaps = expectGapsInOrder(heard)
    expect(delivered).toBe(sent.length - lost)
    expect(gaps.length).toBeGreaterThanOrEqual(20)
    expect(missed.length).toBeGreaterThan(20)
    const untold = missed.filter(({ token, at }) => !gaps.some(({ to, instruments: of }) => at <= to && of.includes(idOf(token))))
    expect(untold).toEqual([])
    expect(feed.counts()['pauses']).toBeGreaterThan(0)
    expect(feed.counts()).toMatchObject({ losses: gaps.length, connections: market.server.clients.length })
  })
})
