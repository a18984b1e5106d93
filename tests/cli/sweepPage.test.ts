import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { escaped, htmlPage } from '../../cli/page.ts'
import { countOf, parseGrid, valuesAt } from '../../cli/sweepGrid.ts'
import type { SweepSummary } from '../../cli/sweepOptions.ts'
import { axesOf, sweepPage } from '../../cli/sweepPage.ts'
import { ranking, totalsOf } from '../../runtime/sweepMetrics.ts'
import { walkForward } from '../../runtime/sweepWalk.ts'
import { describeChromium, openFile, type Seen } from '../kit/chromium.ts'

const work = mkdtempSync(join(tmpdir(), 'sweep-page-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

const grid = parseGrid(['stop=0.1..0.3:0.05', 'target=0.1,0.2,0.4', 'side=buy,sell'])
const dates = Array.from({ length: 12 }, (_, day) => `2025-01-${String(day + 6).padStart(2, '0')}`)
const blank = { losses: 0, gross: 0, fees: 20, peak: 0, trough: 0, turnover: 0 }

/** Best at stop 0.2, target 0.2, buying; set 0 has no trade at all, so no win rate. */
const results = Array.from({ length: countOf(grid) }, (_, set) => {
  const [stop, target, side] = valuesAt(grid, set)
  return dates.map((_, day) => {
    if (set === 0) return { ...blank, trades: 0, wins: 0, pnl: 0, profit: 0, loss: 0, drawdown: 0 }
    const pnl =
      900 - 9000 * Math.abs(Number(stop) - 0.2) - 2000 * Math.abs(Number(target) - 0.2) - (side === 'sell' ? 400 : 0) + 150 * ((day % 3) - 1)
    return { ...blank, trades: 4, wins: 2, pnl, profit: Math.max(0, pnl), loss: Math.max(0, -pnl), drawdown: 100 + set }
  })
})
const totals = results.map(totalsOf)
const summary: SweepSummary = {
  sweep: 'atm-<b>sweep</b>-0123456789',
  identity: { topology: 'atm@1', code: 'c0de', lake: '1a4e' },
  parameters: grid.map(({ path }) => path),
  dates,
  metrics: ['pnl', 'trades', 'winRate', 'drawdown', 'sharpe'],
  sets: ranking(totals, 'pnl').map((set) => ({
    set,
    values: valuesAt(grid, set).map((value) => (Number.isNaN(Number(value)) ? value : Number(value))),
    totals: totals[set],
  })),
  walk: walkForward(dates, results, { train: 4, test: 3, by: 'pnl' }),
  ...{ rowsIn: 1, computed: 1, resumed: 0, seconds: 1, out: work },
}

describe('the page of a sweep', () => {
  it('says in one file what it was made of, whatever is in its texts', () => {
    const html = sweepPage(summary, grid, {})
    expect(html).not.toContain('<b>sweep')
    expect(html.match(/<script src|<link|https?:\/\/(?!www\.w3\.org|www\.apache\.org)[^"'\s]*\.(js|css)/g)).toBeNull()
    const page = htmlPage({ title: '</title>', body: escaped('a<b>&"'), data: { text: '</script><!--' }, script: 'const a = "</script>"' })
    expect(page.match(/<\/script>/g)).toHaveLength(3)
    expect(page).toContain('a&#60;b&#62;&#38;&#34;')
  })

  it('has the first two parameters that vary on its axes, or those named', () => {
    const some = parseGrid(['a=1', 'b=1,2', 'c=1,2', 'd=1,2'])
    expect([axesOf(some, {}), axesOf(some, { y: 'b' }), axesOf(some, { x: 'd', y: 'a' })]).toEqual([
      { x: 'b', y: 'c' },
      { x: 'c', y: 'b' },
      { x: 'd', y: 'a' },
    ])
    expect(axesOf(parseGrid(['a=1,2']), {})).toEqual({ x: 'a', y: undefined })
    expect(() => axesOf(some, { x: 'e' })).toThrow(/e is not swept; swept are a, b, c, d/)
  })
})

describeChromium('the page of a sweep in Chromium', () => {
  const file = join(work, 'heat.html')
  beforeAll(() => writeFileSync(file, sweepPage(summary, grid, {})))

  const drawn = async (how: Parameters<typeof openFile>[1]): Promise<Seen> => {
    const seen = await openFile(file, how)
    await seen.page.waitForFunction("document.documentElement.dataset.drawn === 'yes'", undefined, { timeout: 30_000 })
    return seen
  }
  const cells = (page: Page, row: number): Promise<string[]> => page.locator(`#table tr:nth-child(${row + 1}) td`).allTextContents()
  /** The colours that the map is painted with, by how many pixels. */
  const colours = (page: Page): Promise<number> =>
    page.evaluate(`(() => {
      const canvas = document.querySelector('#map canvas')
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      const seen = new Set()
      for (let i = 0; i < data.length; i += 4) seen.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2])
      return seen.size
    })()`)

  it.each([
    ['a desktop, light', { width: 1280, height: 900 }],
    ['a desktop, dark', { width: 1280, height: 900, dark: true }],
    ['a phone, light', { width: 390, height: 844 }],
    ['a phone, dark', { width: 390, height: 844, dark: true }],
  ])('fits %s, is drawn, and asks nothing of the network', async (name, how) => {
    const { page, faults } = await drawn(how)
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
    expect(await colours(page)).toBeGreaterThan(20)
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor')
    expect(ground).toBe('dark' in how ? 'rgb(20, 23, 27)' : 'rgb(255, 255, 255)')
    const shots = process.env['TICKLOOM_SHOTS']
    if (shots !== undefined) await page.screenshot({ path: join(shots, `sweep ${name}.png`), fullPage: true })
    expect(faults).toEqual([])
    await page.close()
  })

  it('lists sets best first, sorts by a column, and follows the selectors', async () => {
    const { page, faults } = await drawn({ width: 1280, height: 900 })
    expect((await cells(page, 1)).slice(0, 4)).toEqual(['10,800', '0.2', '0.2', 'buy'])
    expect(await page.locator('#picked').textContent()).toContain('pnl 10,800')
    await page.locator('#table th', { hasText: 'drawdown' }).click()
    expect((await cells(page, 1)).slice(1, 4)).toEqual(['0.1', '0.4', 'sell'])
    await page.locator('select[data-of="metric"]').selectOption({ label: 'winRate' })
    await page.locator('select[data-of="side"]').selectOption({ label: 'sell' })
    await page.locator('#table th').first().click()
    // Set 0 never traded: no number, last.
    expect((await cells(page, 30))[0]).toBe('\u2013')
    await page.locator('select[data-of="across"]').selectOption({ label: 'target' })
    expect(await page.locator('select[data-of="up"] option:checked').textContent()).toBe('stop')
    expect(faults).toEqual([])
    await page.close()
  })

  it('gives all sets as CSV, and the windows of the walk', async () => {
    const { page, faults } = await drawn({ width: 1280, height: 900 })
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#csv').click()])
    const text = await new Response((await download.createReadStream()) as never).text()
    const lines = text.trim().split('\n')
    expect([lines.length, lines[0].slice(0, 26), lines[1].startsWith('14,0.2,0.2,buy,12,')]).toEqual([31, 'set,stop,target,side,days,', true])
    expect(await page.locator('#windows tr').count()).toBe(1 + 3)
    expect(await page.locator('#windows tr:nth-child(2) td').allTextContents()).toEqual(
      expect.arrayContaining(['2025-01-06 \u2013 2025-01-09', '2025-01-10 \u2013 2025-01-12', '14']),
    )
    expect(faults).toEqual([])
    await page.close()
  })
})
