import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePorts } from '../../connectors/kafka/dev/ports.ts'
import { tickloom } from '../kit/commandLine.ts'
import { TrackedMarket, until } from '../kit/trackerProcess.ts'

const page = readFileSync(fileURLToPath(new URL('../../docs/howto/track-options.md', import.meta.url)), 'utf8')
const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map((m) => m[1])
const commands = blocks.flatMap((block) => block.split('\n')).filter((line) => /^(TRACKER_\S+ )*tickloom tracker/.test(line))
const words = (line: string) => line.replace(/^.*?tickloom tracker ?/, '').split(' ')

let market: TrackedMarket
beforeEach(async () => {
  market = new TrackedMarket(20)
  await market.server.server.listen()
})
afterEach(() => market.close())

describe('docs/howto/track-options.md', { timeout: 60_000 }, () => {
  // Databases that run elsewhere, and exchanges: on loopback, and faster.
  const tracking = commands.filter((line) => !/--print-config|--postgres|--clickhouse/.test(line))
  it('has commands to try', () => expect(tracking.length).toBeGreaterThanOrEqual(4))

  it.each(tracking)('%s', async (line) => {
    const http = line.includes('--http') ? ['--http', String((await freePorts(1))[0])] : []
    const { child, answer } = market.tracker([...words(line), ...http, '--coins', 'BTC', '--batch-timeout', '100ms'])
    await market.subscribed()
    for (const symbol of market.symbols) market.send(symbol)
    await until(() => market.quotes().size === 20)
    const database = new DatabaseSync(market.file, { readOnly: true })
    const [, query] = /"(SELECT[\s\S]*?)"\n/.exec(page) as RegExpExecArray
    expect(database.prepare(query).all()[0]).toEqual({ ...asked, __proto__: null })
    if (line.includes('--history')) expect(database.prepare('SELECT count(*) AS n FROM quotes_history').get()).toEqual({ n: 20, __proto__: null })
    database.close()
    if (http.length > 0) expect(await (await fetch(`http://127.0.0.1:${http[1]}/healthz`)).text()).toBe('ok\n')
    child.kill('SIGTERM')
    expect((await answer).code).toBe(0)
  })
  const asked = { strike: 50_000, type: 'CE', bid: 10.5, ask: 11, mark: 10.86976724, iv: 0.49, delta: -0.048, oi: 49.85 }

  it.each(commands.filter((line) => line.includes('--print-config')))('%s', async (line) => {
    const env = Object.fromEntries([...line.matchAll(/(TRACKER_\w+)=(\S+)/g)].map((m) => [m[1], m[2]]))
    const { code, stdout } = await tickloom(['tracker', ...words(line)], { env, cwd: market.folder })
    expect(code).toBe(0)
    const from = Object.keys(env).length > 0 ? 'TRACKER_BATCH_TIMEOUT' : '--batch-timeout'
    if (line.includes('--json')) expect(JSON.parse(stdout)).toContainEqual({ name: 'batch_timeout', value: 10, unit: 's', from })
    else expect(stdout).toMatch(new RegExp(`batch_timeout +│ 10 +│ s +│ ${from}`))
  })

  it('says the bytes of a row of the history as they are', async () => {
    const { child, answer } = market.tracker(['--history', '1d', '--batch-timeout', '20ms', '--batch-size', '10', '--quiet'])
    await market.subscribed()
    const rows = () => {
      const database = new DatabaseSync(join(market.folder, 'tracker.db'), { readOnly: true })
      const { n } = database.prepare('SELECT count(*) AS n FROM quotes_history').get() as { n: number }
      database.close()
      return n
    }
    await until(() => {
      for (const symbol of market.symbols) market.send(symbol)
      return rows() > 400
    })
    child.kill('SIGTERM')
    await answer
    const database = new DatabaseSync(market.file)
    const pages = database.prepare("SELECT sum(pgsize) AS bytes FROM dbstat WHERE name = 'quotes_history'").get() as { bytes: number }
    const each = pages.bytes / rows()
    database.close()
    expect(each).toBeGreaterThan(150)
    expect(each).toBeLessThan(260)
  })
})
