import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { type FeedClock, systemClock } from '../../../connectors/feeds/clock.ts'
import { type WebhookOptions, webhookDestination } from '../../../connectors/webhook/destination.ts'
import { type Target, telegramTarget, webhookTarget } from '../../../connectors/webhook/target.ts'
import { Alert, type WatchRule } from '../../../core/alerts.ts'
import { Instruments } from '../../../core/instruments.ts'
import { handClock } from '../../kit/feedClock.ts'
import { Receiver, type Reply } from '../../kit/receiver.ts'
import { rowsOf, toBatch } from '../../kit/table.ts'

const CALL = 'BTC-USDT:2026-03-27:70000:CE'
const rules: WatchRule[] = [
  { name: 'bid', column: 'bid', above: 1500 },
  { name: 'vol', column: 'iv', below: 0.5 },
  { name: 'jump', column: 'mark', change: '10%', within: 60 },
  { name: 'burst', burst: 3, window: 30 },
]
const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

/** A receiver, and a destination for its alerts. `tell(text)` writes rows of alerts. */
async function set(
  replies: Reply[],
  over: Partial<WebhookOptions> = {},
  last: Reply = 200,
  target: (url: string) => Target = (url) => webhookTarget(`${url}/hooks/k3y-of-mine?t=0k3n0k3n`),
) {
  const receiver = new Receiver(replies, last, (path) => (path.endsWith('/getMe') ? 200 : undefined))
  const url = await receiver.open()
  const said: string[] = []
  const to = webhookDestination({
    rules,
    backoff: { first: 10, most: 40 },
    grace: 20_000,
    ...over,
    target: over.target ?? target(url),
    say: (text) => said.push(text),
  })
  opened.push(receiver, to)
  const instruments = new Instruments()
  const sink = await to.open({ topology: 't', run: 'r', partition: 'p', outputs: { alerts: Alert }, instruments, committed: undefined })
  const tell = (text: string) =>
    sink.write('alerts', toBatch(Alert, rowsOf(Alert, `ts instrument rule what value bound reference\n${text}`), instruments))
  const some = (n: number, from = 0) => tell(Array.from({ length: n }, (_, i) => `09:15:00 ${CALL} 0 above ${2000 + from + i} 1500 -`).join('\n'))
  return { receiver, to, sink, tell, some, said, url }
}
const valuesOf = (body: string): number[] => JSON.parse(body).alerts.map((alert: { value: number }) => alert.value)
const until = async (done: () => boolean, meanwhile: () => unknown = () => {}) => {
  const end = performance.now() + 20_000
  while (!done()) {
    if (performance.now() > end) throw new Error('it did not come to that')
    await meanwhile()
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** A clock on which nothing takes time but pauses, and those are over at once; `pauses` has each, in milliseconds. */
function pauseClock(): FeedClock & { readonly pauses: number[] } {
  const pauses: number[] = []
  let elapsed = 0
  return {
    ...systemClock,
    pauses,
    elapsed: () => elapsed,
    random: () => 1,
    after(milliseconds, call) {
      pauses.push(milliseconds)
      const soon = setImmediate(() => {
        elapsed += milliseconds
        call()
      })
      return () => clearImmediate(soon)
    },
  }
}

describe('a webhook', () => {
  it('is sent an alert as JSON, with a key to know it again by', async () => {
    const { receiver, some } = await set([])
    some(1)
    const [{ method, path, headers, body }] = await receiver.got(1)
    expect([method, path, headers['content-type']]).toEqual(['POST', '/hooks/k3y-of-mine?t=0k3n0k3n', 'application/json'])
    const sent = JSON.parse(body)
    expect(headers['idempotency-key']).toMatch(/^[0-9a-f]{32}$/)
    const alert = {
      rule: 'bid',
      instrument: CALL,
      column: 'bid',
      what: 'above',
      value: 2000,
      bound: 1500,
      reference: null,
      time: '2025-01-06T03:45:00.000Z',
    }
    const text = 'bid: BTC-USDT 2026-03-27 70000 CE: bid 2000 above 1500 (2025-01-06 03:45:00 UTC)'
    const id = headers['idempotency-key']
    expect(sent).toEqual({ id, text, count: 1, alerts: [{ id, ...alert, text }], more: {}, dropped: 0 })
  })

  it('says in words what each kind of rule saw', async () => {
    const { receiver, tell } = await set([])
    tell(`09:15:00 NIFTY 1 below 0.4512 0.5 -
          09:15:00 NIFTY 2 rise 110 110 100
          09:15:00 NIFTY 2 fall 90 90 100
          09:15:00 NIFTY 3 burst 160 150 50`)
    const texts = (await receiver.got(4)).map(({ body }) => JSON.parse(body).text.replace(' (2025-01-06 03:45:00 UTC)', ''))
    expect(texts).toEqual([
      'vol: NIFTY: iv 45.12 % below 50 %',
      'jump: NIFTY: mark 110 up from 100, 10 % within 60 s',
      'jump: NIFTY: mark 90 down from 100, 10 % within 60 s',
      'burst: NIFTY: volume 160 in 30 s, usual 50',
    ])
  })

  it('uses one connection for what comes one after the other, and another when that was closed meanwhile', async () => {
    const bye: Reply = (response, socket) => {
      response.writeHead(200, { connection: 'keep-alive' }).end('{}')
      setTimeout(() => socket.destroy(), 20)
    }
    const { receiver, some, to, said } = await set([200, bye])
    for (let i = 0; i < 2; i++) {
      some(1, i)
      await until(() => to.counts().delivered === i + 1)
    }
    await new Promise((resolve) => setTimeout(resolve, 60))
    some(1, 2)
    await until(() => to.counts().delivered === 3)
    expect([receiver.requests.map(({ connection }) => connection), said]).toEqual([[1, 1, 2], []])
  })

  it('is told all at once what comes faster than its rate, what is too much for that as numbers', async () => {
    const slow = (url: string): Target => ({ ...webhookTarget(url), rate: { burst: 3, perMinute: 1 }, most: 10 })
    const { receiver, some, tell, to } = await set([], {}, 200, slow)
    some(2)
    await until(() => to.counts().delivered === 2)
    tell(`${`09:15:00 ${CALL} 1 below 0.4 0.5 -\n`.repeat(5)}${`09:15:01 ${CALL} 0 above 1600 1500 -\n`.repeat(20)}`)
    const [, , { body }] = await receiver.got(3)
    const { count, alerts, more, text } = JSON.parse(body)
    expect([count, alerts.length, more]).toEqual([25, 10, { vol: 5, bid: 10 }])
    expect(text).toMatch(/^25 alerts\nbid: .*\nand before them 5 of "vol", 10 of "bid"$/s)
    await until(() => to.counts().delivered === 27)
    expect(to.counts()).toMatchObject({ sent: 3, merged: 15, dropped: 0 })
    // The bucket is empty: what comes now waits, and is told at the end.
    some(1)
    await to.close()
    expect([receiver.requests.length, to.counts().delivered]).toEqual([4, 28])
  })

  it('tries again what may pass, in order and with the same key, and not before the time it is told', async () => {
    const later: Reply = (response) => response.writeHead(429, { 'retry-after': '1' }).end()
    const clock = pauseClock()
    const { receiver, some, to, said } = await set([500, later, 200], { clock })
    some(2)
    await until(() => to.counts().delivered === 2)
    const [first, second, third, fourth] = receiver.requests
    expect(new Set([first, second, third].map(({ headers, body }) => `${headers['idempotency-key']} ${body}`)).size).toBe(1)
    expect(valuesOf(fourth.body)).toEqual([2001])
    expect(clock.pauses).toEqual([10, 1000])
    expect([to.counts().attempts, said]).toEqual([4, [expect.stringMatching(/^webhook http:\/\/127\.0\.0\.1:\d+: answered 500; it is tried again$/)]])
  })

  it('outlives an answer that never comes', async () => {
    const { receiver, some, to, said } = await set([() => {}], { timeout: 400 })
    some(1)
    await until(() => to.counts().delivered === 1)
    expect(receiver.requests.length).toBeGreaterThan(1)
    expect(said).toEqual([expect.stringMatching(/: no whole answer within 0\.4 s; it is tried again$/)])
  })

  it('outlives an answer that breaks off, and connections that are cut', async () => {
    const half: Reply = (response, socket) => {
      response.writeHead(200, { 'content-length': '100' }).write('half of')
      setTimeout(() => socket.destroy(), 10)
    }
    const { some, to, said } = await set([half, (_, socket) => socket.destroy(), (_, socket) => socket.end('no HTTP\r\n\r\n')])
    some(1)
    await until(() => to.counts().delivered === 1)
    expect(to.counts().attempts).toBe(4)
    expect(said).toEqual([expect.stringMatching(/: the answer broke off: aborted; it is tried again$/)])
  })

  it('gives up what is refused for good, and what was tried too long, says so, and goes on', async () => {
    const clock = pauseClock()
    const { receiver, some, to, said } = await set([403, 500, 500, 500, 500], { giveUpAfter: 60, clock })
    for (let i = 0; i < 3; i++) some(1, i)
    await until(() => to.counts().delivered === 1)
    // 10, 20 and 40 ms are more than 60: what is left of them is waited, then it is too long.
    expect(receiver.requests.map(({ body }) => valuesOf(body)[0])).toEqual([2000, 2001, 2001, 2001, 2001, 2002])
    expect(clock.pauses).toEqual([10, 20, 30])
    expect(said).toEqual([
      expect.stringMatching(/answered 403; an alert is refused$/),
      expect.stringMatching(/answered 500; it is tried again$/),
      expect.stringMatching(/answered 500; an alert is given up$/),
    ])
    expect(to.counts()).toMatchObject({ refused: 1, givenUp: 1 })
    // Told to wait longer than it would try, it does not.
    const late = await set([(response) => response.writeHead(503, { 'retry-after': new Date(Date.now() + 3600e3).toUTCString() }).end()])
    late.some(1)
    await until(() => late.to.counts().givenUp === 1)
  })

  it('lets no flush wait, drops the oldest of too many, and says so in the next message', async () => {
    let answer = (): void => {}
    const { receiver, sink, some, to } = await set([(response) => (answer = () => response.writeHead(200).end())], { most: 5, timeout: 60_000 })
    some(1)
    await receiver.got(1)
    some(20, 1)
    // Within one turn of the loop, in which nobody answers.
    const soon = (epoch: number) => Promise.race([sink.flush(epoch), new Promise((resolve) => setImmediate(resolve, 'it waits'))])
    for (let epoch = 1; epoch <= 100; epoch++) expect(await soon(epoch)).toEqual({ rows: 0, bytes: 0 })
    expect(to.counts()).toMatchObject({ waiting: 5, dropped: 15, delivered: 0 })
    answer()
    await until(() => to.counts().delivered === 6)
    const bodies = receiver.requests.slice(1).map(({ body }) => JSON.parse(body))
    expect(bodies.flatMap(({ alerts }) => alerts.map((alert: { value: number }) => alert.value))).toEqual([2016, 2017, 2018, 2019, 2020])
    expect([bodies[0].dropped, bodies[0].text]).toEqual([15, expect.stringContaining('15 alerts before these were dropped')])
  })

  it('tries what waits at the end', async () => {
    const { receiver, some, to, said } = await set([500], { backoff: { first: 60_000, most: 60_000 } })
    some(3)
    await until(() => said.length === 1)
    await to.close()
    expect(to.counts()).toMatchObject({ delivered: 3, unsent: 0 })
    expect(receiver.requests.map(({ body }) => valuesOf(body))).toEqual([[2000], [2000], [2001, 2002]])
    expect(said.length).toBe(1)
  })

  it('does not spend its end in a pause: what fails then is soon tried again, and so is what hangs', async () => {
    let answer = (): void => {}
    const slow: Reply = (response) => (answer = () => response.writeHead(500).end())
    const hang: Reply = () => (answer = () => {})
    for (const first of [slow, hang]) {
      const clock = handClock()
      const { receiver, some, to } = await set([first, 500], { backoff: { first: 60_000, most: 60_000 }, grace: 3000, clock })
      some(3)
      await receiver.got(1)
      const closed = to.close()
      answer()
      // What hangs is asked again after a third of the grace; until then nothing else comes.
      await until(
        () => to.counts().delivered === 3,
        () => clock.pass(10),
      )
      await closed
      const sent = receiver.requests.map(({ body }) => valuesOf(body))
      expect(sent).toEqual([[2000], [2000], [2000], [2001, 2002]])
      expect(clock.elapsed()).toBeLessThan(3000)
    }
  })

  it('ends in time though nobody answers, and says what was not sent', async () => {
    const { receiver, some, to, said } = await set([], { grace: 300, timeout: 60_000 }, () => {})
    some(3)
    await receiver.got(1)
    const before = performance.now()
    await to.close()
    // Not after the 60 s that an answer has, let alone the ten minutes that it is tried.
    expect(performance.now() - before).toBeLessThan(20_000)
    expect([to.counts().unsent, said.at(-1)]).toEqual([3, expect.stringContaining('3 alerts were not sent before the end')])
  })

  it('knows of every alert what became of it, whatever the receiver does', async () => {
    const replies: Reply[] = [
      200,
      204,
      500,
      429,
      404,
      (_, socket) => socket.destroy(),
      (response) => response.writeHead(429, { 'retry-after': '0' }).end(),
    ]
    const slow = (url: string): Target => ({ ...webhookTarget(url), rate: { burst: 2, perMinute: 3000 }, most: 3 })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(replies.length - 1), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 6 }),
        async (does, batches) => {
          const over = { most: 6, giveUpAfter: 50, grace: 150, backoff: { first: 1, most: 4 } }
          const { receiver, some, to } = await set(
            does.map((which) => replies[which]),
            over,
            200,
            slow,
          )
          let told = 0
          for (const n of batches) {
            some(n, told)
            told += n
            await new Promise((resolve) => setTimeout(resolve, 3))
          }
          await to.close()
          const { delivered, dropped, refused, givenUp, unsent, waiting } = to.counts()
          expect([delivered + dropped + refused + givenUp + unsent, waiting]).toEqual([told, 0])
          const accepted = new Map(receiver.requests.map(({ headers, body }) => [headers['idempotency-key'], JSON.parse(body)]))
          expect([...accepted.values()].reduce((sum, { count }) => sum + count, 0)).toBeGreaterThanOrEqual(delivered)
          await receiver.close()
          opened.length = 0
        },
      ),
      { numRuns: 25 },
    )
  })

  it('is refused by its address without showing it', () => {
    for (const wrong of ['hooks.example/secret-key', 'ftp://example/secret-key', 'secret-key'])
      expect(() => webhookTarget(wrong)).toThrow(/^--webhook is no address that begins with http:\/\/ or https:\/\/$/)
  })
})

describe('Telegram', () => {
  const token = '123456:AAE-secret_of-the-bot'
  const bot = (url: string): Target => telegramTarget({ token, chat: '-100', base: url })

  it('is sent a text by its bot, over a connection that was opened before', async () => {
    const { receiver, some, to } = await set([], {}, 200, bot)
    await receiver.got(1)
    // Ten turns of the loop, however long: the answer is read in one of them.
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve, 2))
    some(1)
    await until(() => to.counts().delivered === 1)
    const [warm, sent] = receiver.requests
    expect([warm.method, warm.path, sent.path, sent.connection]).toEqual(['GET', `/bot${token}/getMe`, `/bot${token}/sendMessage`, warm.connection])
    expect(JSON.parse(sent.body)).toEqual({
      chat_id: '-100',
      text: 'bid: BTC-USDT 2026-03-27 70000 CE: bid 2000 above 1500 (2025-01-06 03:45:00 UTC)',
      link_preview_options: { is_disabled: true },
    })
  })

  it('waits as long as the answer says, believes no status without its ok, and cuts a text that is too long', async () => {
    const busy: Reply = (response) => response.writeHead(429).end('{"ok":false,"error_code":429,"parameters":{"retry_after":1}}')
    const proxy: Reply = (response) => response.writeHead(200).end('<html>')
    const { receiver, tell, to } = await set([busy, proxy], {}, 200, bot)
    tell(`09:15:00 ${'X'.repeat(5000)} 0 above 2000 1500 -`)
    await until(() => to.counts().delivered === 1)
    const [first, second] = receiver.requests.filter(({ method }) => method === 'POST')
    expect(second.at - first.at).toBeGreaterThanOrEqual(990)
    expect([to.counts().attempts, JSON.parse(second.body).text.length]).toEqual([3, 4096])
  })

  it('keeps its token, and a webhook its address, out of everything that is said', async () => {
    const echo: Reply = (response) =>
      response.writeHead(400).end(`{"ok":false,"description":"no such method: /bot${token}/sendMessage, AAE-secret_of-the-bot"}`)
    const over = { giveUpAfter: 40, timeout: 50 }
    const cases = await Promise.all([
      set([echo, echo], {}, 500, bot),
      set([500, () => {}, (_, socket) => socket.destroy()], over, (_, socket) => socket.destroy(), bot),
      set([500, () => {}], over, 401),
      set([], { ...over, target: telegramTarget({ token, chat: '1', base: 'http://127.0.0.1:1' }) }),
      set([], { ...over, target: webhookTarget('https://user:passpass@127.0.0.1:1/hooks/k3y-of-mine?t=0k3n0k3n') }),
    ])
    for (const { some } of cases) some(2)
    await until(() => cases.every(({ to }) => to.counts().refused + to.counts().givenUp === 2))
    const everything = JSON.stringify(cases.map(({ to, said }) => [to.name, said, to.counts()]))
    expect(cases.every(({ said }) => said.length > 0)).toBe(true)
    expect(everything).not.toMatch(/AAE-secret|123456:|k3y-of-mine|0k3n|passpass/)
    expect(everything).toContain('no such method: /bot***/sendMessage, ***')
    expect(() => telegramTarget({ token: 'AAE-secret', chat: '1' })).toThrow(/^TELEGRAM_BOT_TOKEN is not as 123456:letters-and-digits/)
    expect(() => telegramTarget({ token, chat: 'me' })).toThrow('--telegram-chat me is neither a number nor @channel')
  })
})
