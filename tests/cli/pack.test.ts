import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { PackSummary } from '../../connectors/archives/packing.ts'
import { readLines } from '../../connectors/parquet/manifest.ts'
import { input, ledgerRows, packedRows, scratch } from '../connectors/archives/packing.ts'
import { gdflCsv, type Snapshot, zipOf } from '../connectors/archives/vendors.ts'
import { answerOf, main, tickloom } from '../kit/commandLine.ts'
import { endingItself, killAfter } from '../kit/killing.ts'

const day = (date: string, rows: number, shift = 0): Buffer => {
  const snapshots: Snapshot[] = Array.from({ length: rows }, (_, i) => ({
    time: new Date((33_300 + (i % 22_000)) * 1000).toISOString().slice(11, 19),
    price: 100 + shift + (i % 400) / 20,
    quantity: i % 3,
  }))
  const tickers = ['NIFTY04JAN2421500CE.NFO', 'NIFTY04JAN2421500PE.NFO', 'BANKNIFTY25JAN2448000CE.NFO', 'NIFTY11JAN2421500CE.NFO']
  return zipOf(tickers.map((ticker) => ({ name: `Options/${ticker}.csv`, bytes: gdflCsv(ticker, date, snapshots) })))
}
const inputs = (folder: string, rows: number): void => {
  for (const date of ['2024-01-02', '2024-01-03']) input(folder, `in/GFDLNFO_TICK_${date.slice(8)}012024.zip`, day(date, rows))
}
const partsOf = (lake: string): string[] =>
  (readdirSync(join(lake, 'ticks'), { recursive: true }) as string[]).filter((name) => name.endsWith('.parquet')).sort()

test('packs a folder by processes, skips it the second time, and shows the ledger', async () => {
  const folder = scratch()
  const lake = join(folder, 'lake')
  inputs(folder, 200)
  const args = ['pack', join(folder, 'in'), '--lake', lake, '--workers', '2']
  const first = await tickloom([...args, '--json'])
  expect(first.stderr).toBe('')
  expect(JSON.parse(first.stdout) as PackSummary).toMatchObject({
    rows: 1600,
    reasons: { packed: 1600 },
    days: ['2024-01-02', '2024-01-03'],
    files: 6,
  })
  const second = await tickloom(args)
  expect(second.stdout).toContain('2 of 2 inputs skipped')
  const ledger = await tickloom(['ledger', '--lake', lake, '--by', 'day'])
  expect(ledger.stdout).toMatch(/2024-01-02 +│ packed +│ +800/)
  expect(ledger.stdout).toContain('1,600 rows in all')
  expect(existsSync(join(lake, 'meta/packing'))).toBe(false)
})

test('an archive that changed takes the place of what it was', async () => {
  const folder = scratch()
  const lake = join(folder, 'lake')
  inputs(folder, 50)
  await tickloom(['pack', join(folder, 'in'), '--lake', lake, '--workers', '1'])
  const changed = join(folder, 'in/GFDLNFO_TICK_03012024.zip')
  writeFileSync(changed, day('2024-01-03', 60, 1000))
  utimesSync(changed, 1, 1)
  const again = JSON.parse((await tickloom(['pack', join(folder, 'in'), '--lake', lake, '--workers', '1', '--json'])).stdout) as PackSummary
  expect(again).toMatchObject({ rows: 240, skipped: 1, days: ['2024-01-03'] })
  const rows = await packedRows(lake)
  expect([rows.length, rows.filter(({ price }) => price >= 1000).length]).toEqual([440, 240])
  expect(partsOf(lake)).toHaveLength(6)
  expect((await ledgerRows(lake)).reduce((sum, row) => sum + row.rows, 0)).toBe(440)
})

test('killed with -9 at any moment and run again: the lake is that of a run without', async () => {
  const folder = scratch()
  inputs(folder, 20_000)
  const args = (lake: string): string[] => ['pack', join(folder, 'in'), '--lake', join(folder, lake), '--workers', '2', '--quiet']
  expect((await tickloom(args('whole'))).code).toBe(0)
  for (const after of [700, 1200, 1700, 2400]) await killAfter(after, args('killed'))
  const last = await tickloom(args('killed'))
  expect(last.stderr).toBe('')
  expect(partsOf(join(folder, 'killed'))).toEqual(partsOf(join(folder, 'whole')))
  expect(readFileSync(join(folder, 'killed/meta/packed_manifest.csv'), 'utf8')).toBe(
    readFileSync(join(folder, 'whole/meta/packed_manifest.csv'), 'utf8'),
  )
  expect(await packedRows(join(folder, 'killed'))).toEqual(await packedRows(join(folder, 'whole')))
  expect(await ledgerRows(join(folder, 'killed'))).toEqual(await ledgerRows(join(folder, 'whole')))
}, 120_000)

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s: ends with 130, leaves whole days and nothing else, and the same command goes on',
  async (signal) => {
    const folder = scratch()
    for (const date of ['2024-01-01', '2024-01-02', '2024-01-03', '2024-01-04'])
      input(folder, `in/GFDLNFO_TICK_${date.slice(8)}012024.zip`, day(date, 10_000))
    const args = (lake: string): string[] => ['pack', join(folder, 'in'), '--lake', join(folder, lake), '--workers', '1', '--quiet']
    expect((await tickloom(args('whole'))).code).toBe(0)
    const afterADay = endingItself('pack', join(folder, 'stopped/meta/packed_manifest.csv'), () => true, signal)
    const child = spawn(process.execPath, [...afterADay, main, ...args('stopped')], { stdio: ['ignore', 'pipe', 'pipe'] })
    expect(await answerOf(child)).toMatchObject({ code: 130, stderr: expect.stringContaining('INTERRUPTED') })

    const [whole, stopped] = [join(folder, 'whole'), join(folder, 'stopped')]
    const days = [...new Set(readLines(stopped).map(({ date }) => date))]
    expect(days.length).toBeGreaterThan(0)
    expect(days.length).toBeLessThan(4)
    expect(readLines(stopped)).toEqual(readLines(whole).filter(({ date }) => days.includes(date)))
    const files = (readdirSync(join(stopped, 'ticks'), { recursive: true }) as string[]).filter((name) => name.includes('.parquet'))
    expect(files.map((name) => `ticks/${name}`).sort()).toEqual([...new Set(readLines(stopped).map(({ path }) => path))].sort())
    expect(existsSync(join(stopped, 'meta/packing'))).toBe(false)

    expect(await tickloom(args('stopped'))).toMatchObject({ code: 0, stderr: '' })
    expect(readLines(stopped)).toEqual(readLines(whole))
    expect(await ledgerRows(stopped)).toEqual(await ledgerRows(whole))
    expect(existsSync(join(stopped, 'meta/packing.json'))).toBe(false)
  },
  120_000,
)

test.each([
  [['pack', 'nowhere.zip', '--lake', 'LAKE'], 'INPUT_UNREADABLE'],
  [['pack', 'nowhere.zip', '--lake', 'LAKE', '--format', 'csv'], '--format csv needs a --mapping'],
  [['ledger', '--lake', 'LAKE'], 'has no ledger'],
])('%j says what is wrong', async (args, message) => {
  const answer = await tickloom(args.map((arg) => (arg === 'LAKE' ? join(scratch(), 'lake') : arg)))
  expect([answer.code, answer.stderr]).toEqual([2, expect.stringContaining(message)])
})
