import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { operatorCleaner } from '../../../cli/packClean.ts'
import { packMarkets } from '../../../cli/packMarket.ts'
import { pack } from '../../../connectors/archives/pack.ts'
import { inlinePool, type PackPool } from '../../../connectors/archives/pool.ts'
import { readLines } from '../../../connectors/parquet/manifest.ts'
import { nseCalendar } from '../../../markets/nse/calendar.ts'
import { input, ledgerRows, packedRows, packHere, scratch } from './packing.ts'
import { gdflCsv, type Snapshot } from './vendors.ts'

const ticker = 'NIFTY04JAN2421500CE.NFO'
const rows: Snapshot[] = ['09:15:00', '09:15:01', '09:15:02'].map((time) => ({ time, price: 100 }))
const csv = (date: string, of = rows, name = ticker): string => gdflCsv(name, date, of)

/** Packs by a pool that fails to write one date. */
function packUpTo(lake: string, inputs: readonly string[], failing: string): Promise<unknown> {
  const inline = inlinePool(packMarkets, () => operatorCleaner(nseCalendar))
  const pool: PackPool = { ...inline, write: (task) => (task.date === failing ? Promise.reject(new Error('the disk is gone')) : inline.write(task)) }
  return pack({ inputs, lake, clean: false }, pool)
}

test('a job that was stopped after a day, then packed in other company: no row twice', async () => {
  const folder = scratch()
  const lake = join(folder, 'lake')
  const [a, b] = [input(folder, 'a.csv', csv('2024-01-02')), input(folder, 'b.csv', csv('2024-01-03'))]
  await expect(packUpTo(lake, [a, b], '2024-01-03')).rejects.toThrow('the disk is gone')
  expect(readLines(lake).map(({ date }) => date)).toEqual(['2024-01-02'])
  expect((readdirSync(join(lake, 'ticks'), { recursive: true }) as string[]).filter((name) => name.includes('.parquet'))).toHaveLength(1)
  // Another input alone leaves the day that is whole where it is, ...
  await packHere(lake, [input(folder, 'c.csv', csv('2024-01-04'))])
  expect(readLines(lake).map(({ date }) => date)).toEqual(['2024-01-02', '2024-01-04'])
  // ... and one of the two brings its rows once.
  await packHere(lake, [a])
  expect(await packedRows(lake)).toHaveLength(6)
  await packHere(lake, [a, b])
  expect(await packedRows(lake)).toHaveLength(9)
  expect((await ledgerRows(lake)).reduce((sum, { rows: n }) => sum + n, 0)).toBe(9)
  expect(existsSync(join(lake, 'meta/packing.json'))).toBe(false)
})

test('--clean: files of one date are one job, also those that come later; without the earlier ones it is refused', async () => {
  const folder = scratch()
  const lake = join(folder, 'lake')
  const first = input(folder, 'a_20240104.csv', csv('2024-01-04'))
  await packHere(lake, [first], { clean: true })
  const second = input(folder, 'b_20240104.csv', csv('2024-01-04', [...rows, { time: '09:15:03', price: 101 }]))
  await expect(packHere(lake, [second], { clean: true })).rejects.toMatchObject({ code: 'OPTION_INVALID', message: expect.stringContaining(first) })
  expect(await packHere(lake, [first, second], { clean: true })).toMatchObject({ skipped: 0, reasons: { packed: 4, duplicate: 3 } })
  expect((await packedRows(lake)).map(({ time }) => time.slice(11, 19))).toEqual(['09:15:00', '09:15:01', '09:15:02', '09:15:03'])
  expect(await packHere(lake, [first, second], { clean: true })).toMatchObject({ skipped: 2, rows: 0 })
})

test('--clean: inputs without a date are one job; what shares a contract and day with another job is refused, and nothing of it is packed', async () => {
  const folder = scratch()
  const lake = join(folder, 'lake')
  const [a, b] = [input(folder, 'a.csv', csv('2024-01-04')), input(folder, 'b.csv', csv('2024-01-04', [...rows].reverse()))]
  expect(await packHere(lake, [a, b], { clean: true })).toMatchObject({ reasons: { packed: 3, duplicate: 3 } })
  const c = input(folder, 'c.csv', csv('2024-01-04', [{ time: '09:15:09', price: 101 }]))
  await expect(packHere(lake, [c], { clean: true })).rejects.toMatchObject({ code: 'OPTION_INVALID', message: expect.stringContaining(`${a}, ${b}`) })
  expect(await packedRows(lake)).toHaveLength(3)
  // Another contract of the same day is another matter.
  const put = input(folder, 'd.csv', csv('2024-01-04', rows, 'NIFTY04JAN2421500PE.NFO'))
  expect(await packHere(lake, [put], { clean: true })).toMatchObject({ reasons: { packed: 3 } })
  // In one run, too.
  const dated = input(folder, 'e_20240103.csv', csv('2024-01-03'))
  const undated = input(folder, 'f.csv', csv('2024-01-03'))
  await expect(packHere(lake, [dated, undated], { clean: true })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
})

test('rows that do not add up are a failure, and none of them stays in the lake', async () => {
  const folder = scratch()
  const lake = join(folder, 'lake')
  const inline = inlinePool(packMarkets, () => operatorCleaner(nseCalendar))
  const pool: PackPool = { ...inline, write: async (task) => ({ ...(await inline.write(task)), rows: 2 }) }
  const run = pack({ inputs: [input(folder, 'a.csv', csv('2024-01-02'))], lake, clean: false }, pool)
  await expect(run).rejects.toMatchObject({ code: 'STEP_FAILED', message: expect.stringContaining('do not add up') })
  expect(readLines(lake)).toEqual([])
  expect((readdirSync(join(lake, 'ticks'), { recursive: true }) as string[]).filter((name) => name.includes('.parquet'))).toEqual([])
})
