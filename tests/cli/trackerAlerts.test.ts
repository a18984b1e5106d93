import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePorts } from '../../connectors/kafka/dev/ports.ts'
import { Receiver } from '../kit/receiver.ts'
import { TrackedMarket, until } from '../kit/trackerProcess.ts'

let market: TrackedMarket
const receivers: Receiver[] = []
beforeEach(async () => {
  market = new TrackedMarket(40)
  await market.server.server.listen()
})
afterEach(async () => {
  await market.close()
  for (const receiver of receivers.splice(0)) await receiver.close()
})

async function receiving(...given: ConstructorParameters<typeof Receiver>): Promise<{ receiver: Receiver; url: string }> {
  const receiver = new Receiver(...given)
  receivers.push(receiver)
  return { receiver, url: await receiver.open() }
}

const rules = (): string => {
  const file = join(market.folder, 'rules.yaml')
  writeFileSync(file, '- name: bid is high\n  underlying: BTC*\n  column: bid\n  above: 100\n  cooldown: 0\n')
  return file
}
const [CALL] = ['BTC-27MAR26-50000-C-USDT']

describe('tickloom tracker --rules', { timeout: 60_000 }, () => {
  it('tells a webhook and a Telegram chat, writes quotes all the same, and shows no secret', async () => {
    const { receiver: hook, url: hookUrl } = await receiving([])
    const { receiver: bots, url: botsUrl } = await receiving([])
    const TELEGRAM_BOT_TOKEN = '123456:AAE-secret_of-the-bot'
    const targets = ['--webhook', `${hookUrl}/hooks/k3y-of-mine`, '--telegram-chat', '42', '--telegram-base', botsUrl]
    const { child, answer } = market.tracker(['--rules', rules(), ...targets, '--batch-timeout', '200ms', '--log-level', 'debug'], {
      env: { TELEGRAM_BOT_TOKEN },
    })
    await market.subscribed()
    market.send(CALL)
    market.send(CALL, { bidPrice: '120' })
    const [{ body }] = await hook.got(1)
    const [, { path, body: told }] = await bots.got(2)
    expect(JSON.parse(body)).toMatchObject({
      count: 1,
      alerts: [{ rule: 'bid is high', instrument: 'BTC-USDT:2026-03-27:50000:CE', value: 120, bound: 100 }],
    })
    expect([path, JSON.parse(told).chat_id, JSON.parse(told).text]).toEqual([
      `/bot${TELEGRAM_BOT_TOKEN}/sendMessage`,
      '42',
      expect.stringContaining('bid is high: BTC-USDT 2026-03-27 50000 CE: bid 120 above 100'),
    ])
    await until(() => market.quotes().get(CALL)?.['bid'] === 120)
    child.kill('SIGTERM')
    const { code, stdout, stderr } = await answer
    expect([code, `${stdout}${stderr}`]).toEqual([0, expect.not.stringMatching(/AAE-secret|k3y-of-mine/)])
  })

  it('writes quotes in time while the webhook hangs, and sends what waits when it is told to stop', async () => {
    const [port] = await freePorts(1)
    const { receiver, url } = await receiving([() => {}])
    const { child, answer } = market.tracker([
      '--rules',
      rules(),
      '--webhook',
      url,
      '--batch-timeout',
      '200ms',
      '--http',
      String(port),
      '--grace',
      '12s',
    ])
    await market.subscribed()
    market.send(CALL, { bidPrice: '120' })
    await receiver.got(1)
    for (const symbol of market.symbols) market.send(symbol, { bidPrice: '130' })
    const sent = performance.now()
    await until(() => [...market.quotes().values()].filter(({ bid }) => bid === 130).length === 40)
    // An answer has 10 s.
    expect(performance.now() - sent).toBeLessThan(8000)
    await until(async () => /others_total\{what="alerts"\} 40\n/.test(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()))
    child.kill('SIGTERM')
    const { code, stderr } = await answer
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('not sent')])
    // The one without an answer again, the others in one message.
    const [first, again, rest] = receiver.requests.map(({ body }) => JSON.parse(body) as { id: string; count: number })
    expect([first.id === again.id, first.count, rest.count]).toEqual([true, 1, 39])
  })

  it('says alerts in the log where nobody else is told', async () => {
    const { child, answer } = market.tracker(['--rules', rules()])
    await market.subscribed()
    market.send(CALL, { bidPrice: '120' })
    let said = ''
    child.stderr?.on('data', (chunk) => (said += chunk))
    await until(() => said.includes('bid is high: BTC-USDT 2026-03-27 50000 CE: bid 120 above 100'))
    child.kill('SIGTERM')
    expect((await answer).code).toBe(0)
  })

  it('refuses what cannot be: rules that are none, a chat without a token, a webhook without rules, a page without a port', async () => {
    const refused = async (...args: string[]) => {
      const { code, stderr } = await market.tracker([...args, '--json'], { env: { TELEGRAM_BOT_TOKEN: '' } }).answer
      expect(code).toBe(2)
      return JSON.parse(stderr.trim().split('\n').at(-1) as string).error.message as string
    }
    const wrong = join(market.folder, 'wrong.yaml')
    writeFileSync(wrong, '- {name: a, column: bid, abuve: 1}')
    expect(
      await Promise.all([
        refused('--rules', wrong),
        refused('--rules', rules(), '--telegram-chat', '42'),
        refused('--webhook', 'http://h/secret'),
        refused('--ui'),
      ]),
    ).toEqual([
      expect.stringContaining('rule 1 "a": it has none of above, below, rise, fall, change, burst'),
      '--telegram-chat needs the token of a bot in the environment, as TELEGRAM_BOT_TOKEN',
      'without rules there are no alerts: --webhook and --telegram-chat need --rules',
      'the page is served where /metrics is: --ui needs --http, such as --http 9464',
    ])
    const { stdout } = await market.tracker(['--rules', 'r', '--webhook', 'https://h.example/secret', '--print-config']).answer
    expect([stdout.includes('https://h.example/***'), stdout.includes('secret')]).toEqual([true, false])
  })
})

describe('tickloom tracker --ui', { timeout: 60_000 }, () => {
  it('serves the page and its events beside metrics, and ends in time with a page open', async () => {
    const [port] = await freePorts(1)
    const { child, answer } = market.tracker(['--http', String(port), '--ui'])
    await market.subscribed()
    market.send(CALL, { bidPrice: '120' })
    const page = await fetch(`http://127.0.0.1:${port}/chain`)
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<title>Options chain</title>')])
    const events = await fetch(`http://127.0.0.1:${port}/chain/events`)
    let text = ''
    const reading = (async () => {
      for await (const part of events.body as unknown as AsyncIterable<Uint8Array>) text += Buffer.from(part).toString()
    })().catch(() => {})
    await until(() => text.includes('[50000,0,') && text.includes(',120,'))
    expect(text).toContain('"underlying":"BTC-USDT","expiry":"2026-03-27"')
    child.kill('SIGTERM')
    const before = performance.now()
    expect((await answer).code).toBe(0)
    // The time of grace is 9 s.
    expect(performance.now() - before).toBeLessThan(8000)
    await reading
  })
})
