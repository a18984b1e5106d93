import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reportOf } from '../../cli/reportData.ts'
import type { Trade } from '../../cli/reportMetrics.ts'
import { reportPage } from '../../cli/reportPage.ts'
import type { RunRows } from '../../cli/reportRows.ts'
import { attach, IST, parseDate } from '../../core/time.ts'
import { ClosedTrade } from '../../core/trading.ts'
import { describeChromium, openFile } from '../kit/chromium.ts'

const at = (text: string): number => attach(text, IST)
const CE = 'NIFTY:2025-01-09:24000:CE'
const PE = 'NIFTY:2025-01-09:23950:PE'

function trade(instrument: string, direction: string, from: string, to: string, entry: number, exit: number, fees: number, reason: string): Trade {
  const points = direction === 'long' ? exit - entry : entry - exit
  const rest = {
    position: 1,
    anchor: at(`${from.slice(0, 13)}:00`),
    lots: 1,
    quantity: 75,
    points,
    gross: points * 75,
    best: exit,
    worst: entry,
    distance: 0,
  }
  return { ...rest, ts: at(to), instrument, direction, entered: at(from), entry, exit, fees, pnl: points * 75 - fees, reason }
}
const trades = [
  trade(CE, 'short', '2025-01-06 10:00:05', '2025-01-06 10:10:00', 100, 85, 60.5, 'target'),
  trade(CE, 'short', '2025-01-06 11:00:00', '2025-01-06 11:05:30', 90, 103.5, 58.25, 'stop'),
  trade(PE, 'long', '2025-01-07 10:30:00', '2025-01-07 15:15:00', 120, 121, 70, 'session_end'),
]
/** Names that would break out of a script, if anything could. */
const evil = '</script><img src=http://example.org/x>'

function line(instrument: string, day: string, from: number) {
  const all = Array.from({ length: 400 }, (_, i) => i)
  return { instrument, day: parseDate(day), at: all.map((i) => 36_000 + 50 * i), price: all.map((i) => from + (i % 37)) }
}

function content(rows: Partial<RunRows>) {
  const all: RunRows = { trades, account: undefined, fills: undefined, orders: undefined, signals: [], missing: [], ...rows }
  return {
    identity: {
      run: evil,
      topology: 'atm-volume-burst@1',
      file: undefined,
      parameters: { stop: 0.15, name: evil },
      lake: './lake',
      from: undefined,
      to: undefined,
      symbols: undefined,
      rest: {},
      code: '0.1.0',
      started: undefined,
      place: './runs/x',
    },
    rows: all,
    report: reportOf(all, ['2025-01-06', '2025-01-07', '2025-01-08']),
    prices: [line(CE, '2025-01-06', 80), line('NIFTY', '2025-01-06', 24_000), line(PE, '2025-01-07', 110)],
    fingerprint: '0123456789abcdef',
    parameters: [{ path: 'stop', unit: 'of the entry', byDefault: 0.15, description: 'loss that ends it' }],
    made: new Date(0),
  }
}

const folder = mkdtempSync(join(tmpdir(), 'report-page-'))
beforeAll(() => {
  writeFileSync(
    join(folder, 'report.html'),
    reportPage(
      content({
        account: [
          { ts: at('2025-01-06 10:05'), instrument: 'NIFTY', realised: 0, unrealised: -200 },
          { ts: at('2025-01-06 10:10'), instrument: 'NIFTY', realised: 1064.5, unrealised: 0 },
        ],
        signals: [{ ts: at('2025-01-06 10:00:04'), instrument: CE, price: 100, ratio: 2.5, taken: true }],
        fills: { fills: 6, fees: 188.75, kinds: { stt: 20, brokerage: 168.75 }, sources: { book: 6 } },
      }),
    ),
  )
  writeFileSync(
    join(folder, 'none.html'),
    reportPage({ ...content({ trades: [] }), prices: undefined, fingerprint: undefined, parameters: undefined }),
  )
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function opened(file: string, width: number, scheme: 'light' | 'dark') {
  const seen = await openFile(join(folder, file), { width, height: 900, dark: scheme === 'dark' })
  await seen.page.waitForSelector('html[data-drawn=yes]', { timeout: 30_000 })
  return seen
}

/** In the page: text of a column of the table of trades, by its place. */
const columnText = (page: Page, n: number): Promise<string[]> =>
  page.$$eval(`#table tbody tr td:nth-child(${n})`, (cells) => cells.map((cell) => cell.textContent ?? ''))

describeChromium('a report', () => {
  it.each([
    ['report.html', 390, 'light'],
    ['report.html', 390, 'dark'],
    ['report.html', 1280, 'light'],
    ['report.html', 1280, 'dark'],
    ['none.html', 390, 'light'],
    ['none.html', 1280, 'dark'],
  ] as const)('%s at %i px, %s: stands alone, fits, and its charts have size', async (file, width, scheme) => {
    const { page, faults } = await opened(file, width, scheme)
    const told = await page.evaluate<{ wide: number; charts: [number, number][]; back: string }>(`({
      wide: document.documentElement.scrollWidth,
      charts: [...document.querySelectorAll('#equity, #price, .plot')].map((element) => [element.clientWidth, element.querySelector('canvas')?.clientWidth]),
      back: getComputedStyle(document.body).backgroundColor,
    })`)
    const shots = process.env['TICKLOOM_SHOTS']
    if (shots !== undefined) await page.screenshot({ path: join(shots, `${file} ${width} ${scheme}.png`), fullPage: true })
    expect(faults).toEqual([])
    expect(told.wide).toBe(width)
    expect(told.charts).toHaveLength(7)
    for (const [element, canvas] of told.charts) expect([element, element > 200]).toEqual([canvas, true])
    expect(told.back).toBe(scheme === 'dark' ? 'rgb(20, 23, 27)' : 'rgb(255, 255, 255)')
    await page.close()
  })

  it('a name that looks like a script is a name', async () => {
    const { page } = await opened('report.html', 1280, 'light')
    expect(await page.textContent('header .soft')).toContain(`run ${evil}:`)
    expect(await page.$$('img')).toEqual([])
    await page.close()
  })

  it('sorts by a click on a column, and by another one the other way round', async () => {
    const { page } = await opened('report.html', 1280, 'light')
    const pnl = ['₹1,064.50', '₹5.00', '−₹1,070.75']
    const click = () => page.click('#table th:last-child')
    await click()
    expect(await columnText(page, 13)).toEqual(pnl)
    await click()
    expect(await columnText(page, 13)).toEqual([...pnl].reverse())
    await page.fill('#filter', '24000 ce stop')
    expect(await columnText(page, 1)).toEqual(['2'])
    expect(await page.textContent('#count')).toContain('1 of 3 trades, PnL −₹1,070.75')
    await page.close()
  })

  it('the CSV is the trades, every column of them', async () => {
    const { page } = await opened('report.html', 1280, 'light')
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#csv')])
    expect(download.suggestedFilename()).toBe('trades.csv')
    const text = readFileSync(await download.path(), 'utf8')
    expect(text.split('\n')).toEqual([
      Object.keys(ClosedTrade).join(','),
      `2025-01-06 10:10:00,${CE},1,2025-01-06 10:00:00,short,2025-01-06 10:00:05,100,85,1,75,15,1125,60.5,1064.5,85,100,target`,
      `2025-01-06 11:05:30,${CE},1,2025-01-06 11:00:00,short,2025-01-06 11:00:00,90,103.5,1,75,-13.5,-1012.5,58.25,-1070.75,103.5,90,stop`,
      `2025-01-07 15:15:00,${PE},1,2025-01-07 10:00:00,long,2025-01-07 10:30:00,120,121,1,75,1,75,70,5,121,120,session_end`,
      '',
    ])
    await page.close()
  })

  it('a trade picked in the table is that of the chart, with its stop', async () => {
    const { page } = await opened('report.html', 1280, 'light')
    await page.click('#table tbody tr:nth-child(2)')
    expect(await page.textContent('#picked')).toBe(
      '#2 NIFTY 24000 CE 01-09, short 1 lot (75): 11:00:00 at 90.00, ended 11:05:30 at 103.50 by stop. Gross −₹1,012.50, fees ₹58.25, net −₹1,070.75.',
    )
    const levels = await page.evaluate(
      'priceChart.getOption().series.flatMap((one) => one.markLine?.data ?? []).map(([from]) => [from.name, from.coord[1]])',
    )
    expect((levels as unknown[][]).filter(([name]) => name === 'stop')).toEqual([['stop', 90 * 1.15]])
    await page.click('#next')
    expect(await page.inputValue('#day')).toBe('2025-01-07')
    expect(await page.isDisabled('#next')).toBe(true)
    await page.close()
  })
})

describe('a report', () => {
  it('says what is missing and that it does not add up, where it does not', () => {
    const off = content({ fills: { fills: 6, fees: 500, kinds: {}, sources: {} } })
    expect(off.report.checks.filter(({ holds }) => !holds).map(({ what }) => what)).toEqual(['fees of fills are the fees of trades'])
    expect(reportPage(off)).toContain('fees of fills are the fees of trades')
    expect(reportPage({ ...content({}), prices: undefined })).toContain('no output has prices by second')
  })
})
