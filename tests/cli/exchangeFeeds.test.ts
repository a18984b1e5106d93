import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest'
import type { ExchangeSummary } from '../../cli/feedExchange.ts'
import type { LiveSummary } from '../../cli/liveOptions.ts'
import { readKafkaConfig } from '../../connectors/kafka/config.ts'
import { freePorts } from '../../connectors/kafka/dev/ports.ts'
import type { KafkaDriver } from '../../connectors/kafka/driver.ts'
import { openDriver } from '../../connectors/kafka/openDriver.ts'
import { duckRows } from '../../connectors/parquet/duck.ts'
import { BybitServer } from '../kit/bybitServer.ts'
import { answerOf, main } from '../kit/commandLine.ts'
import { runHere } from '../kit/inProcess.ts'
import { describeKafka, freshTopic, kafkaHere } from '../kit/kafka.ts'
import { frameOf, fullPacket, KiteServer } from '../kit/kiteServer.ts'
import { sentLog } from '../kit/sentLog.ts'

test.each([
  [['feed', 'bybit', '--topic', 't', '--lake', 'l'], /--lake is not of an exchange/],
  [['feed', 'bybit', '--topic', 't', '--symbols', 'NIFTY'], /not of bybit, which takes --coins/],
  [['feed', 'kite', '--topic', 't'], /kite needs --symbols/],
  [['feed', 'kite', '--topic', 't', '--symbols', 'NIFTY'], /kite needs the environment variable KITE_API_KEY/],
  [['feed', 'kite', '--topic', 't', '--symbols', 'NIFTY', '--stream', 'http://x'], /--stream is an address that begins with ws/],
  [['feed', 'nyse', '--topic', 't'], /bybit, kite/],
  [['feed', '--synth', '--topic', 't', '--coins', 'BTC'], /--coins is of bybit/],
  [['live', '--topology', 'ticks'], /either --topics NAME or --feed EXCHANGE/],
  [['live', '--topology', 'ticks', '--topics', 't', '--feed', 'bybit'], /either --topics NAME or --feed EXCHANGE/],
  [['live', '--topology', 'ticks', '--topics', 't', '--symbols', 'NIFTY'], /are of --feed kite/],
  [['live', '--topology', 'ticks', '--topics', 't', '--listing', 'f'], /--listing is of an exchange/],
  [['live', '--topology', 'ticks', '--feed', 'bybit', '--publish', 'ticks'], /--publish is of Kafka/],
  [['live', '--topology', 'ticks', '--feed', 'kite', '--symbols', 'NIFTY'], /KITE_API_KEY/],
])('`%j` is refused before anything is asked of an exchange', async (flags, message) => {
  const { code, stderr } = await runHere(flags)
  expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
})

let folder: string
let children: ChildProcess[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tickloom-exchange-'))
  children = []
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

function started(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [main, ...args], { cwd: folder, env: { ...process.env, ...env } })
  children.push(child)
  return { child, answer: answerOf(child) }
}

describe('tickloom live --feed', () => {
  const market = new BybitServer()
  beforeAll(() => market.server.listen())
  afterAll(() => market.server.close())

  it('runs a topology on an exchange, tells its gaps and its health, and writes what came when it is stopped', { timeout: 60_000 }, async () => {
    const symbols = ['BTC-27MAR26-70000-P-USDT', 'BTC-27MAR26-70000-C-USDT']
    market.listing.set(
      'BTC',
      symbols.map((symbol) => ({ symbol })),
    )
    const [port] = await freePorts(1)
    const flags = ['--topology', 'options-tracker', '--feed', 'bybit', '--coins', 'BTC', '--listing', 'bybit.json', '--out', 'out', '--json']
    const { child, answer } = started(['live', ...flags, '--http', String(port), '--rest', market.rest, '--stream', market.stream])
    const subscribed = () => [...market.topics].filter(([client, topics]) => client.open && topics.size === 2).length
    await vi.waitFor(() => expect(subscribed()).toBe(1), { timeout: 20_000, interval: 50 })
    const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    const rowsIn = (n: number) =>
      vi.waitFor(async () => expect(await metrics()).toMatch(new RegExp(`tickloom_rows_in_total\\{.*\\} ${n}\n`)), { timeout: 20_000, interval: 100 })
    for (const symbol of symbols) market.tick(symbol)
    await rowsIn(2)
    market.server.clients[0].break('reset')
    await vi.waitFor(() => expect(subscribed()).toBe(1), { timeout: 20_000, interval: 50 })
    for (const symbol of symbols) market.tick(symbol)
    await rowsIn(4)
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
    child.kill('SIGTERM')
    const { code, stdout, stderr } = await answer
    expect([code, stderr]).toEqual([0, expect.stringContaining('connection 0 is closed: nothing is known of 2 instruments')])
    const summary = JSON.parse(stdout) as LiveSummary
    expect(summary).toMatchObject({ topic: 'bybit', run: 'options-tracker-bybit', rowsIn: 4, dropped: { 'feed/gaps': 1 }, outputs: { quotes: 4 } })
    const files = join(folder, 'out', 'quotes', '*', `${summary.partitions[0]}-*.parquet`)
    const rows = await duckRows<object>(`SELECT instrument, price, iv FROM read_parquet('${files}') ORDER BY ALL`)
    const [call, put] = ['CE', 'PE'].map((type) => ({ instrument: `BTC-USDT:2026-03-27:70000:${type}`, price: 10.75, iv: 0.4896 }))
    expect(rows).toEqual([call, call, put, put])
    const gaps = readFileSync(join(folder, 'out', 'gaps.jsonl'), 'utf8')
      .trim()
      .split('\n')
    expect(gaps.map((line) => JSON.parse(line))).toMatchObject([
      { reason: 'closed', to: null, instruments: [call.instrument, put.instrument] },
      { reason: 'closed', to: expect.any(Number) },
    ])
    expect(existsSync(join(folder, 'bybit.json'))).toBe(true)
  })
})

describe('tickloom live --feed kite', () => {
  const market = new KiteServer()
  beforeAll(() => market.server.listen())
  afterAll(() => market.close())

  it('whose token runs out ends with what came written, and says neither token nor key', { timeout: 60_000 }, async () => {
    market.dump.push('514,2,NIFTYX,NIFTY,0,2023-11-16,19500,0.05,50,CE,NFO-OPT,NFO')
    const env = { KITE_API_KEY: 'secretKey', KITE_ACCESS_TOKEN: 'secretToken' }
    const flags = ['--topology', 'options-tracker', '--feed', 'kite', '--symbols', 'NIFTY', '--out', 'out']
    const { answer } = started(['live', ...flags, '--rest', market.rest, '--stream', market.stream], env)
    await vi.waitFor(() => expect([...market.modes.values()].map((modes) => modes.get(514))).toEqual(['full']), { timeout: 20_000, interval: 50 })
    market.tick([514])
    market.server.refuse = 403
    market.server.clients[0].break('half-close')
    const { code, stdout, stderr } = await answer
    expect([code, stderr]).toEqual([2, expect.stringContaining('FEED_REFUSED')])
    expect(stdout + stderr).not.toMatch(/secret/)
    const files = join(folder, 'out', 'quotes', '*', '*.parquet')
    const rows = await duckRows<object>(`SELECT instrument, price FROM read_parquet('${files}')`)
    expect(rows).toEqual([{ instrument: 'NIFTY:2023-11-16:19500:CE', price: 100 }])
  })
})

describeKafka('tickloom feed kite', () => {
  let driver: KafkaDriver
  const market = new KiteServer()
  beforeAll(async () => {
    driver = await openDriver(readKafkaConfig({ flags: { brokers: kafkaHere().brokers.join(',') } }))
    await market.server.listen()
  })
  afterAll(async () => {
    await market.close()
    await driver?.close()
  })

  it('publishes ticks, a heartbeat a second to every partition, and gaps; key and token are in nothing it says', { timeout: 60_000 }, async () => {
    const token = (i: number): number => (i + 1) * 256 + 2
    const option = (i: number, name: string, expiry: string, strike: number) =>
      `${token(i)},${i},${name}X${i},${name},0,${expiry},${strike},0.05,50,CE,NFO-OPT,NFO`
    market.dump.push(option(0, 'NIFTY', '2023-11-16', 19_500), option(1, 'BANKNIFTY', '2023-11-16', 43_000))
    market.dump.push(option(2, 'NIFTY', '2023-11-23', 19_500), option(3, 'NIFTY', '2023-11-16', 30_000), option(4, 'OTHER', '2023-11-16', 19_500))
    market.dump.push('256265,1001,NIFTY 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE', `${token(9)},9,NIFTYX9,NIFTY,0,2023-11-16,19500,0.05,50,CE,NFO-OPT,NFO`)
    const topic = freshTopic('ticks')
    const selected = ['--symbols', 'NIFTY,BANKNIFTY', '--expire-by', '2023-11-16', '--strikes', '19000..29999']
    const flags = [...selected, '--topic', topic, '--partitions', '2', '--json']
    const env = { TICKLOOM_BROKERS: kafkaHere().brokers.join(','), KITE_API_KEY: 'secretKey', KITE_ACCESS_TOKEN: 'secretToken' }
    const { child, answer } = started(['feed', 'kite', ...flags, '--rest', market.rest, '--stream', market.stream], env)
    const inFull = () =>
      [...market.modes]
        .filter(([client]) => client.open)
        .flatMap(([, modes]) => [...modes].flatMap(([token, mode]) => (mode === 'full' ? token : [])))
    await vi.waitFor(() => expect(inFull()).toEqual([token(0), 256265]), { timeout: 20_000, interval: 50 })
    market.tick([token(0), 256265])
    const sent = () => sentLog(driver, topic, 2)
    const beatsOf = (all: Awaited<ReturnType<typeof sent>>) => all.map((records) => records.flatMap(({ beat }) => beat ?? []))
    const rowsOf = (all: Awaited<ReturnType<typeof sent>>) => all.flat().flatMap(({ rows }) => rows)
    await vi.waitFor(async () => expect(beatsOf(await sent()).map((beats) => beats.length >= 2)).toEqual([true, true]), {
      timeout: 20_000,
      interval: 100,
    })
    market.server.clients[0].break('close')
    await vi.waitFor(() => expect(inFull().length).toBe(2), { timeout: 20_000, interval: 50 })
    market.server.clients.at(-1)?.send(frameOf([fullPacket({ token: token(0), price: 0, time: 1_700_000_009 })]))
    market.tick([token(0)])
    await vi.waitFor(async () => expect(rowsOf(await sent()).length).toBe(3), { timeout: 20_000, interval: 100 })
    child.kill('SIGTERM')
    const { code, stdout, stderr } = await answer
    expect([code, stderr]).toEqual([0, ''])
    const summary = JSON.parse(stdout) as ExchangeSummary
    expect(summary).toMatchObject({ exchange: 'kite', topic, partitions: 2, rows: 3, unpriced: 1, gaps: 1, feed: { namesakes: 1, losses: 1 } })
    expect(stdout).not.toMatch(/secret/)

    const all = await sent()
    expect(
      rowsOf(all)
        .map(({ instrument, price, volume }) => [instrument, price, volume])
        .sort(),
    ).toEqual([
      ['NIFTY', 100, 1001],
      ['NIFTY:2023-11-16:19500:CE', 100, 1001],
      ['NIFTY:2023-11-16:19500:CE', 100, 1001],
    ])
    const beats = beatsOf(all)
    expect(beats[0]).toEqual(beats[1])
    expect(beats[0].length).toBeGreaterThanOrEqual(2)
    expect(beats[0]).toEqual([...new Set(beats[0])].sort((a, b) => a - b))
    expect(beats[0].filter((beat) => beat % 1_000_000 !== 0)).toEqual([])
    expect(summary.heartbeats).toBe(2 * beats[0].length)

    const reader = await driver.reader()
    const gaps: unknown[] = []
    for await (const batch of reader.read({ topic: `${topic}-gaps`, partition: 0 }))
      for (let i = 0; i < batch.n; i++) gaps.push(JSON.parse(String(batch.record(i).value)))
    await reader.close()
    const instruments = ['NIFTY:2023-11-16:19500:CE', 'NIFTY']
    expect(gaps).toMatchObject([
      { feed: 'kite', connection: 0, reason: 'closed', to: null, instruments },
      { feed: 'kite', connection: 0, reason: 'closed', to: expect.any(Number), attempts: 1, instruments },
    ])
  })
})

describeKafka('tickloom feed bybit', () => {
  const market = new BybitServer()
  beforeAll(() => market.server.listen())
  afterAll(() => market.server.close())

  it('publishes every ticker once, each underlying in a partition of its own, in order', { timeout: 60_000 }, async () => {
    const symbols = ['BTC-27MAR26-70000-P-USDT', 'ETH-27MAR26-4000-C-USDT']
    for (const [i, coin] of ['BTC', 'ETH'].entries()) market.listing.set(coin, [{ symbol: symbols[i] }])
    const topic = freshTopic('options')
    const flags = ['--coins', 'BTC,ETH', '--topic', topic, '--partitions', '4', '--json', '--rest', market.rest, '--stream', market.stream]
    const { child, answer } = started(['feed', 'bybit', ...flags], { TICKLOOM_BROKERS: kafkaHere().brokers.join(',') })
    await vi.waitFor(() => expect([...market.topics.values()].map(({ size }) => size)).toEqual([2]), { timeout: 20_000, interval: 50 })
    for (let i = 0; i < 50; i++) for (const symbol of symbols) market.tick(symbol)
    const driver = await openDriver(readKafkaConfig({ flags: { brokers: kafkaHere().brokers.join(',') } }))
    const rowsSent = async () => (await sentLog(driver, topic, 4)).flat().flatMap(({ rows }) => rows)
    await vi.waitFor(async () => expect((await rowsSent()).length).toBe(100), { timeout: 20_000, interval: 100 })
    child.kill('SIGTERM')
    const { code, stdout, stderr } = await answer
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toMatchObject({ exchange: 'bybit', topic, partitions: 4, rows: 100, unpriced: 0, gaps: 0 })

    const sent = await sentLog(driver, topic, 4)
    await driver.close()
    for (const [i, instrument] of ['BTC-USDT:2026-03-27:70000:PE', 'ETH-USDT:2026-03-27:4000:CE'].entries()) {
      const times = sent.map((records) =>
        records.flatMap(({ rows }) => rows.filter((row) => row['instrument'] === instrument).map((row) => row['ts'])),
      )
      const expected = market.sent.filter(({ symbol }) => symbol === symbols[i]).map(({ ts }) => ts * 1000)
      expect(times.filter(({ length }) => length > 0)).toEqual([expected])
    }
  })
})
