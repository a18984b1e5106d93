import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePorts } from '../../connectors/kafka/dev/ports.ts'
import { nameOf } from '../../core/instruments.ts'
import { parseBybitSymbol } from '../../markets/bybit/symbols.ts'
import { describePostgres, type PostgresServer, startPostgres } from '../kit/postgres.ts'
import { killedTrackers, TrackedMarket, until } from '../kit/trackerProcess.ts'

let market: TrackedMarket
beforeEach(async () => {
  market = new TrackedMarket(400)
  await market.server.server.listen()
})
afterEach(() => market.close())

describe('a tracker that is killed again and again', () => {
  it('loses no last quote older than a batch timeout in thirty kills, and none goes back', async () => {
    const wrong = await killedTrackers(market, { kills: 30, batchTimeout: 1000, allowance: 700, random: Math.random })
    expect(wrong).toEqual([])
    expect(market.quotes().size).toBe(400)
  })
})

describePostgres('a tracker whose PostgreSQL goes away', () => {
  let postgres: PostgresServer
  beforeEach(async () => {
    postgres = await startPostgres()
  })
  afterEach(() => postgres.stop())

  it.each(['fast', 'kill'] as const)('(%s) writes to SQLite meanwhile, and to it what is newest when it is back', async (how) => {
    const [port] = await freePorts(1)
    const { child, answer } = market.tracker([
      ...['--sqlite', market.file, '--postgres', postgres.url, '--batch-timeout', '200ms', '--http', String(port)],
    ])
    const health = async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).text()
    const quoteAll = () => {
      for (const symbol of market.symbols) market.send(symbol)
    }
    const inFile = () => [...market.quotes()].every(([symbol, row]) => row['updated'] === market.newest(symbol))
    await market.subscribed()
    quoteAll()
    await until(async () => (await inPostgres(postgres.url)).size === 400)

    await postgres.down(how)
    for (let round = 0; round < 5; round++) {
      quoteAll()
      await sleep(300)
    }
    await until(inFile)
    expect(await health()).toMatch(/postgres:.* has not taken a write/)
    expect(await health()).not.toContain('sqlite')
    await postgres.up()
    await until(async () => {
      const there = await inPostgres(postgres.url)
      return market.symbols.every((symbol) => there.get(nameOf(parseBybitSymbol(symbol))) === market.newest(symbol))
    }, 60_000)
    expect(await health()).toBe('ok\n')
    quoteAll()
    await sleep(100)
    child.kill('SIGTERM')
    expect(await answer).toMatchObject({ code: 0, stderr: expect.stringMatching(/is written to again after/) })
    const there = await inPostgres(postgres.url)
    for (const symbol of market.symbols) expect(there.get(nameOf(parseBybitSymbol(symbol))), symbol).toBe(market.newest(symbol))
  })
})

/** `updated` in microseconds, by symbol. */
async function inPostgres(url: string): Promise<Map<string, number>> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query('SELECT symbol, (extract(epoch FROM updated) * 1000000)::bigint AS updated FROM quotes')
    return new Map(rows.map(({ symbol, updated }) => [symbol, Number(updated)]))
  } finally {
    await client.end()
  }
}
