import { request } from 'node:http'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ChainServer, type ChainServerOptions } from '../../cli/chainServer.ts'
import { serveHttp } from '../../runtime/http.ts'
import { ChainMarket } from '../kit/chainMarket.ts'
import { describeChromium, openUrl, type Screen, type Seen } from '../kit/chromium.ts'

let market: ChainMarket
beforeEach(async () => {
  market = await new ChainMarket().open()
  market.fill((strike, type) => (strike === 71_000 && type === 'PE' ? 240 : 2))
})
const opened: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

async function serve(over: Partial<ChainServerOptions> = {}, port = 0) {
  const chain = new ChainServer({ board: market.board, pace: 40, status: () => ({ gaps: 3 }), ...over })
  const { url, close } = await serveHttp(chain.routes, port)
  let closed = false
  const stop = async () => {
    if (closed) return
    closed = true
    chain.close()
    await close()
  }
  opened.push(stop)
  return { chain, url, port: Number(new URL(url).port), stop }
}

interface Told {
  readonly event: string
  readonly id: string | undefined
  readonly data: Record<string, never>
}

/** A reader of the events without a browser, which can stop reading. */
function listen(port: number, path: string, headers: Record<string, string> = {}) {
  const told: Told[] = []
  let [text, status, over] = ['', 0, false]
  let socket: Socket | undefined
  const asked = request({ port, path, headers }, (response) => {
    status = response.statusCode ?? 0
    socket = response.socket
    response.setEncoding('utf8')
    response.on('data', (part: string) => {
      text += part
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const fields = Object.fromEntries(
          text
            .slice(0, end)
            .split('\n')
            .map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
        )
        if (fields['data'] !== undefined) told.push({ event: fields['event'], id: fields['id'], data: JSON.parse(fields['data']) })
        text = text.slice(end + 2)
      }
    })
    response.on('close', () => {
      over = true
    })
    response.on('error', () => {})
  })
  asked.on('error', () => {})
  asked.end()
  opened.push(async () => void asked.destroy())
  return {
    told,
    of: (event: string) => told.filter((one) => one.event === event),
    pause: () => socket?.pause(),
    resume: () => socket?.resume(),
    end: () => asked.destroy(),
    status: () => status,
    over: () => over,
  }
}

async function until(done: () => boolean, what = 'that'): Promise<void> {
  const end = performance.now() + 20_000
  while (!done()) {
    if (performance.now() > end) throw new Error(`it did not come to ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
const chainPath = () => `/chain/events?underlying=BTC-USDT&expiry=${market.expiry(1)}`

describe('the events of the chain page', () => {
  it('tell all of a chain first, then what changes, once', async () => {
    const { port } = await serve()
    const reader = listen(port, chainPath())
    await until(() => reader.of('full').length === 1)
    const [{ data }] = reader.of('full') as { data: Record<string, unknown> }[]
    expect([data['underlying'], data['expiry'], (data['rows'] as []).length, data['forward']]).toEqual([
      'BTC-USDT',
      market.expiry(1),
      82,
      { price: 68_412.5 * 1.0009, from: 'forward' },
    ])
    expect((data['chains'] as [string, string[]][]).map(([name, dates]) => [name, dates.length])).toEqual([
      ['BTC-USDT', 4],
      ['ETH-USDT', 4],
    ])
    market.quote('BTC-USDT', 1, 68_000, 'CE', { bid: 1, ask: Number.NaN })
    market.quote('BTC-USDT', 1, 68_000, 'CE', { bid: 2, ask: Number.NaN })
    market.quote('BTC-USDT', 2, 68_000, 'CE', { bid: 3 })
    await until(() => reader.of('rows').length === 1)
    const [row] = reader.of('rows')[0].data['rows'] as number[][]
    expect([row[0], row[1], row[3], row[4]]).toEqual([68_000, 0, 2, null])
    await until(() => reader.of('status').length === 2)
    expect(reader.of('status')[1].data).toMatchObject({ symbols: 656, gaps: 3 })
    expect([reader.of('rows').length, reader.of('full').length]).toEqual([1, 1])
  })

  it('choose the nearest chain for who asks for none, and a chain that is not there yet is waited for', async () => {
    const { port } = await serve()
    const [any, none] = [listen(port, '/chain/events'), listen(port, '/chain/events?underlying=DOGE&expiry=2030-01-04')]
    await until(() => any.of('full').length + none.of('full').length === 2)
    expect(any.of('full')[0].data).toMatchObject({ underlying: 'BTC-USDT', expiry: market.expiry(0) })
    expect(none.of('full')[0].data).toMatchObject({ underlying: 'DOGE', rows: [] })
  })

  it('go on where they broke off with the same process, and begin anew with another', async () => {
    const { port, stop } = await serve()
    const first = listen(port, chainPath())
    await until(() => first.of('full').length === 1)
    const { id = '' } = first.of('full')[0]
    first.end()
    market.quote('BTC-USDT', 1, 69_000, 'PE', { bid: 7 })
    const again = listen(port, chainPath(), { 'last-event-id': id })
    await until(() => again.of('rows').length === 1)
    expect([again.of('full').length, (again.of('rows')[0].data['rows'] as number[][]).map((row) => [row[0], row[1], row[3]])]).toEqual([
      0,
      [[69_000, 1, 7]],
    ])
    await stop()
    const other = await serve()
    const anew = listen(other.port, chainPath(), { 'last-event-id': id })
    await until(() => anew.of('full').length === 1)
  })

  it('are merged for a reader who is slow, and cost bounded memory', async () => {
    const { chain, port } = await serve({ pace: 2, patience: 60_000 })
    const [slow, quick] = [listen(port, chainPath()), listen(port, chainPath())]
    await until(() => slow.of('full').length + quick.of('full').length === 2)
    slow.pause()
    // Until the system's own buffers are full, and beyond.
    const held = process.memoryUsage().rss
    for (let i = 0; i < 100_000 && chain.counts.skipped < 20; i++) {
      market.again(i)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect(chain.counts.skipped).toBeGreaterThanOrEqual(20)
    expect(process.memoryUsage().rss - held).toBeLessThan(60_000_000)
    market.quote('BTC-USDT', 1, 70_000, 'CE', { bid: 123_456, age: -1 })
    slow.resume()
    const last = (reader: typeof slow) =>
      (reader
        .of('rows')
        .flatMap(({ data }) => data['rows'] as number[][])
        .findLast((row) => row[0] === 70_000 && row[1] === 0) ?? [])[3]
    await until(() => last(slow) === 123_456 && last(quick) === 123_456, 'the newest for both')
  }, 60_000)

  it('end for a reader who takes nothing, and for nobody else', async () => {
    const { chain, port } = await serve({ pace: 2, patience: 300 })
    const [slow, quick] = [listen(port, chainPath()), listen(port, chainPath())]
    await until(() => slow.of('full').length + quick.of('full').length === 2)
    slow.pause()
    for (let i = 0; i < 100_000 && chain.counts.cut === 0; i++) {
      market.again(i)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect([chain.counts.cut, chain.pages, quick.over()]).toEqual([1, 1, false])
  }, 60_000)

  it('are for so many pages, and cost nothing when none is open', async () => {
    const { chain, port } = await serve({ most: 2 })
    const readers = [listen(port, chainPath()), listen(port, chainPath())]
    await until(() => chain.pages === 2)
    const third = listen(port, chainPath())
    await until(() => third.status() !== 0)
    expect([third.status(), readers.map((reader) => reader.status())]).toEqual([503, [200, 200]])
    for (const reader of readers) reader.end()
    await until(() => chain.pages === 0)
  })
})

describeChromium('the chain page in Chromium', () => {
  const open = async (url: string, how: Screen, may = {}): Promise<Seen> => {
    const seen = await openUrl(`${url}#underlying=BTC-USDT&expiry=${market.expiry(1)}`, how, may)
    await seen.page.waitForSelector('#table tbody tr.atm', { timeout: 20_000 })
    return seen
  }
  const strikes = (page: Page): Promise<string[]> => page.locator('#table tbody th').allTextContents()
  /** A cell of the table: of the calls or the puts, at a strike. */
  const cell = (page: Page, strike: string, side: 0 | 1, column: string) =>
    page
      .locator('#table tbody tr', { has: page.locator('th', { hasText: strike }) })
      .locator(`td.${column}`)
      .nth(side)
  const desktop = { width: 1280, height: 860 }

  it.each([
    ['desktop light', desktop],
    ['desktop dark', { ...desktop, dark: true }],
    ['phone light', { width: 390, height: 844 }],
    ['phone dark', { width: 390, height: 844, dark: true }],
  ])('fits a %s, says what it shows, asks nothing of other hosts', async (name, how) => {
    const { url } = await serve()
    const { page, faults } = await open(url, how)
    await page.locator('#figures', { hasText: '3 gaps' }).waitFor({ timeout: 20_000 })
    const shots = process.env['TICKLOOM_SHOTS']
    if (shots !== undefined) await page.screenshot({ path: join(shots, `chain ${name}.png`) })
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
    expect(
      await page.evaluate("(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.getElementById('box'))"),
      'the table fits its box',
    ).toBeLessThanOrEqual(0)
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('dark' in how ? 'rgb(20, 23, 27)' : 'rgb(255, 255, 255)')
    expect(await page.locator('tr.atm th').textContent()).toBe('68,000ATM')
    expect([await page.locator('#note').textContent(), await cell(page, '71,000', 1, 'bid').getAttribute('class')]).toEqual([
      expect.stringContaining('1 quote older than 60s'),
      expect.stringContaining('old'),
    ])
    expect([await page.locator('#state').textContent(), (await strikes(page)).length]).toEqual(['live', how.width < 400 ? 21 : 31])
    expect(faults).toEqual([])
    await page.close()
  })

  it('shows what changes, which quotes are old, and the price the strikes are near to', async () => {
    const { url } = await serve({ staleAfter: 30 })
    const { page, faults } = await open(url, desktop)
    market.quote('BTC-USDT', 1, 69_000, 'CE', { bid: 1234.5, ask: Number.NaN, iv: 0.6543, delta: -0.25, oi: 123_456 })
    const bid = cell(page, '69,000', 0, 'bid')
    await page.locator('td.bid', { hasText: '1,234.50' }).waitFor({ timeout: 20_000 })
    expect(await Promise.all(['bid', 'ask', 'iv', 'delta', 'oi', 'age'].map((column) => cell(page, '69,000', 0, column).textContent()))).toEqual([
      '1,234.50',
      '\u2013',
      '65.4',
      '-0.25',
      '123k',
      expect.stringMatching(/^\ds$/),
    ])
    expect([await bid.getAttribute('title'), await bid.getAttribute('class')]).toEqual(['1234.5', 'bid'])
    market.quote('BTC-USDT', 1, 60_000, 'PE', { age: -1, forward: 70_700 })
    await expect.poll(() => page.evaluate("document.querySelector('tr.atm th').textContent === '71,000ATM'"), { timeout: 20_000 }).toBe(true)
    expect(await page.locator('#forward').textContent()).toBe('forward 70,700')
    market.quote('BTC-USDT', 1, 69_000, 'CE', { age: -2 })
    const old = await serve({ staleAfter: -10 })
    const stale = await open(old.url, desktop)
    await expect.poll(() => stale.page.evaluate("document.querySelectorAll('td.old').length > 100"), { timeout: 20_000 }).toBe(true)
    expect([...faults, ...stale.faults]).toEqual([])
    await page.close()
    await stale.page.close()
  })

  it('filters strikes, sides and columns, follows the choice of expiry and underlying, and remembers it', async () => {
    const { url } = await serve()
    const { page, faults } = await open(url, desktop)
    await page.locator('#span').selectOption('5')
    expect((await strikes(page))[0]).toBe('63,000')
    await page.locator('#find').fill('7*, 50000..51000')
    expect(await strikes(page)).toEqual(['50,000', '51,000', ...Array.from({ length: 10 }, (_, i) => `${70 + i},000`)])
    await page.locator('#find').fill('nothing')
    expect([await page.locator('#empty').textContent(), await page.locator('#box').isVisible()]).toEqual(['No strike passes the filters.', false])
    await page.locator('#find').fill('')
    await page.locator('#span').selectOption('all')
    expect((await strikes(page)).length).toBe(41)
    market.quote('BTC-USDT', 1, 60_000, 'CE', { oi: 5_000, age: -3 })
    await page.locator('#oi').fill('5000')
    await expect.poll(() => page.evaluate("document.querySelectorAll('#table tbody tr').length === 1"), { timeout: 20_000 }).toBe(true)
    expect([await cell(page, '60,000', 0, 'oi').textContent(), await cell(page, '60,000', 1, 'oi').getAttribute('class')]).toEqual([
      '5,000.0',
      expect.stringContaining('out'),
    ])
    await page.locator('#oi').fill('')
    await page.getByLabel('Gamma').check()
    for (const name of ['Age', 'OI']) await page.getByLabel(name, { exact: true }).uncheck()
    expect(await page.locator('#table thead tr').nth(1).locator('th').allTextContents()).toEqual([
      'Vol',
      'Gamma',
      'Delta',
      'IV %',
      'Last',
      'Mark',
      'Bid',
      'Ask',
      'Strike',
      'Bid',
      'Ask',
      'Mark',
      'Last',
      'IV %',
      'Delta',
      'Gamma',
      'Vol',
    ])
    await page.locator('#underlying').selectOption('ETH-USDT')
    await expect.poll(() => page.evaluate("document.querySelector('tr.atm th')?.textContent === '3,500ATM'"), { timeout: 20_000 }).toBe(true)
    // It is in the address at once: who loads the page anew before the server has answered has it still.
    const chosen = `Object.assign(document.getElementById('expiry'), { value: '${market.expiry(3)}' })`
    const address = await page.evaluate(`(${chosen}.dispatchEvent(new Event('change')), location.hash)`)
    expect(address).toBe(`#underlying=ETH-USDT&expiry=${market.expiry(3)}`)
    expect(await page.evaluate("document.getElementById('chain').textContent")).toContain('135 d')
    await page.locator('#theme').click()
    await page.reload()
    await page.waitForSelector('#table tbody tr.atm')
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(20, 23, 27)')
    expect([await page.locator('#underlying').inputValue(), await page.locator('#expiry').inputValue(), (await strikes(page)).length]).toEqual([
      'ETH-USDT',
      market.expiry(3),
      41,
    ])
    expect(await page.locator('#table thead th.gamma').count()).toBe(2)
    expect(faults).toEqual([])
    await page.close()
  })

  it('says that the connection is lost, and comes back by itself with what is new', async () => {
    const first = await serve()
    const { page, faults } = await open(first.url, desktop, { mayFail: true })
    await first.stop()
    await expect.poll(() => page.evaluate("document.documentElement.dataset.state === 'lost'"), { timeout: 20_000 }).toBe(true)
    expect(await page.locator('#state').textContent()).toContain('connection lost')
    market.quote('BTC-USDT', 1, 68_000, 'PE', { bid: 777 })
    await serve({}, first.port)
    await expect.poll(() => page.evaluate("document.documentElement.dataset.state === 'live'"), { timeout: 20_000 }).toBe(true)
    await expect.poll(() => cell(page, '68,000', 1, 'bid').textContent(), { timeout: 20_000 }).toBe('777')
    expect(faults).toEqual([])
    await page.close()
  })

  it('can be used by keyboard, and says what it is to who cannot see it', async () => {
    const { url } = await serve()
    const { page, faults } = await open(url, desktop)
    const reached: string[] = []
    for (let i = 0; i < 8; i++) {
      await page.keyboard.press('Tab')
      reached.push(String(await page.evaluate('document.activeElement.id || document.activeElement.tagName')))
    }
    expect(reached).toEqual(['theme', 'underlying', 'expiry', 'span', 'SUMMARY', 'find', 'oi', 'volume'])
    expect(await page.getByRole('region', { name: 'BTC-USDT' }).getByRole('columnheader', { name: 'Strike' }).count()).toBe(1)
    expect(await page.getByRole('rowheader').count()).toBe(31)
    expect(await page.getByRole('status').textContent()).toBe('live')
    expect(faults).toEqual([])
    await page.close()
  })
})
