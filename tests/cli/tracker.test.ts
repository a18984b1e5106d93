import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sampleOf } from '../../bench/trackerProcess.ts'
import { freePorts } from '../../connectors/kafka/dev/ports.ts'
import { killedTrackers, TrackedMarket, until } from '../kit/trackerProcess.ts'

let market: TrackedMarket
beforeEach(async () => {
  market = new TrackedMarket(40)
  await market.server.server.listen()
})
afterEach(() => market.close())

const quoteAll = (times = 1): void => {
  for (let i = 0; i < times; i++) for (const symbol of market.symbols) market.send(symbol)
}

describe('tickloom tracker', { timeout: 60_000 }, () => {
  it('has all that came in the file when it was told to stop, with an exit code of 0', async () => {
    const [port] = await freePorts(1)
    const { child, answer } = market.tracker(['--batch-timeout', '1h', '--http', String(port), '--json'])
    await market.subscribed()
    quoteAll(3)
    await until(async () => (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).includes('{fate="received"} 120\n'))
    child.kill('SIGTERM')
    const { code, stdout, stderr } = await answer
    expect({ code, stderr }).toMatchObject({ code: 0 })
    const rows = market.quotes()
    for (const symbol of market.symbols) expect(rows.get(symbol)?.['updated'], symbol).toBe(market.newest(symbol))
    expect(rows.get('BTC-27MAR26-50000-C-USDT')).toMatchObject({
      symbol: 'BTC-USDT:2026-03-27:50000:CE',
      underlying: 'BTC-USDT',
      expiry: '2026-03-27',
      strike: 50_000,
      type: 'CE',
      ...{ last: 10.75, bid: 10.5, ask: 11, mark: 10.86976724, iv: 0.4896, delta: -0.047831, theta: -19.9115368, oi: 49.85, volume: 86 },
    })
    // The stream has no rho: computed.
    expect(rows.get('BTC-27MAR26-50000-C-USDT')?.['rho']).toBeTypeOf('number')
    const summary = JSON.parse(stdout) as Record<string, number>
    expect(summary).toMatchObject({ symbols: 40, received: 120, dropped: 0, gaps: 0 })
  })

  it('writes what came within a batch timeout, even when nothing comes after it and the connection is lost', async () => {
    market.tracker(['--profile', 'minimal', '--batch-timeout', '300ms', '--quiet'])
    await market.subscribed()
    market.send(market.symbols[7])
    market.server.deaf = true
    for (const client of market.server.server.clients) client.break('close')
    const sent = performance.now()
    await until(() => market.quotes().size === 1)
    // The profile's own would be 5 s.
    expect(performance.now() - sent).toBeLessThan(4500)
  })

  it('killed at random moments it loses no last quote that is older than a batch timeout, and none goes back', async () => {
    const wrong = await killedTrackers(market, { kills: 3, batchTimeout: 300, allowance: 700, random: Math.random })
    expect(wrong).toEqual([])
    expect(market.quotes().size).toBe(40)
  }, 120_000)

  it('is at work after less than two seconds of CPU, and has loaded nothing that is not asked for', async () => {
    const list = join(market.folder, 'loaded')
    const hook = join(market.folder, 'hook.mjs')
    writeFileSync(
      hook,
      `import { registerHooks } from 'node:module'
import { readFileSync, writeFileSync } from 'node:fs'
const loaded = []
registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context) } })
process.on('exit', () => writeFileSync(${JSON.stringify(list)}, loaded.join('\\n')))`,
    )
    const { child, answer } = market.tracker(['--http', String((await freePorts(1))[0]), '--quiet'], { node: ['--import', hook] })
    await market.subscribed()
    expect(sampleOf(child.pid as number).cpu).toBeLessThan(2)
    child.kill('SIGTERM')
    expect((await answer).code).toBe(0)
    const loaded = readFileSync(list, 'utf8').split('\n')
    const packages = new Set(loaded.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(url)?.[1] ?? []))
    expect([...packages].sort()).toEqual(['commander', 'rxjs', 'ws'])
    expect(loaded.filter((url) => /connectors\/(kafka|postgres|clickhouse|parquet\/(?!atomic))/.test(url))).toEqual([])
  })

  it('keeps the newest quotes while the database is locked, says so, is not healthy, and writes them when it can', async () => {
    const [port] = await freePorts(1)
    const { child, answer } = market.tracker(['--batch-timeout', '200ms', '--http', String(port)])
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`)
      return { status: response.status, text: await response.text() }
    }
    await market.subscribed()
    quoteAll()
    await until(() => market.quotes().size === 40)
    expect(await get('/healthz')).toEqual({ status: 200, text: 'ok\n' })

    const other = new DatabaseSync(market.file, { timeout: 10_000 })
    other.exec('BEGIN EXCLUSIVE')
    quoteAll(2)
    await until(async () => (await get('/healthz')).status === 503)
    expect((await get('/healthz')).text).toMatch(/sqlite .*has not taken a write for \d+ s: .*locked/)
    quoteAll()
    other.exec('COMMIT')
    other.close()
    await until(() => [...market.quotes()].every(([symbol, row]) => row['updated'] === market.newest(symbol)))
    await until(async () => (await get('/healthz')).status === 200)
    const { text } = await get('/metrics')
    expect(text).toMatch(/^tickloom_tracker_rows_total\{fate="received"\} 160$/m)
    expect(text).toMatch(/^tickloom_sink_failures_total\{sink="sqlite \.\/tracker\.db"\} [1-9]/m)
    child.kill('SIGTERM')
    const { code, stderr } = await answer
    expect(code).toBe(0)
    expect(stderr).toMatch(/locked.*the newest quotes are kept, again in/)
    expect(stderr).toMatch(/is written to again after/)
  })

  it('says what it will not do: an unknown profile, a database it cannot have', async () => {
    const unknown = await market.tracker(['--profile', 'huge', '--json']).answer
    expect(unknown.code).toBe(2)
    expect(JSON.parse(unknown.stderr)).toMatchObject({ error: { code: 'OPTION_INVALID' } })
    const away = await market.tracker(['--postgres', 'postgres://u:secret@127.0.0.1:9/none', '--json']).answer
    expect(away.code).toBe(1)
    expect(JSON.parse(away.stderr.trim().split('\n').at(-1) as string)).toMatchObject({ error: { code: 'DATABASE_REFUSED' } })
    expect(away.stderr).not.toContain('secret')
  })
})
