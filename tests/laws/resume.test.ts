import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tickloom } from '../kit/commandLine.ts'
import { killAfter } from '../kit/killing.ts'
import { marketLake } from '../kit/marketLake.ts'
import { clickhouseRows, parquetFiles } from '../kit/outputs.ts'

/** SIGKILLs in `npm test`; `npm run test:storm` has 20. */
const KILLS = Number(process.env['TICKLOOM_KILLS'] ?? 2)

let lake: string
const into = (name: string, more: readonly string[] = []) => {
  const out = join(dirname(lake), name)
  return {
    out,
    database: join(out, 'clickhouse'),
    args: [
      'replay',
      '--topology',
      'volume-burst',
      '--preset',
      'j1',
      '--lake',
      lake,
      '--epoch',
      '20m',
      '--out',
      out,
      '--clickhouse',
      join(out, 'clickhouse'),
      '--run',
      'R',
      '--quiet',
      ...more,
    ],
  }
}
const whole = async (name: string, more: readonly string[] = []) => {
  const { args, out, database } = into(name, more)
  const { code, stderr } = await tickloom(args)
  expect(code, stderr).toBe(0)
  return { parquet: parquetFiles(out), clickhouse: await clickhouseRows(database, 'R') }
}

let undisturbed: Awaited<ReturnType<typeof whole>>
beforeAll(async () => {
  lake = await marketLake({ days: 2, strikes: 4, rate: 0.5, order: 'arrival' })
  undisturbed = await whole('undisturbed', ['--workers', '1'])
}, 120_000)
afterAll(() => rmSync(dirname(lake), { recursive: true, force: true }))

describe('a replay into ClickHouse and Parquet', () => {
  it('killed at random moments and resumed leaves what an undisturbed one leaves', async () => {
    expect(
      Object.values(undisturbed.clickhouse).every((rows) => !rows.startsWith('0 ')),
      JSON.stringify(undisturbed.clickhouse),
    ).toBe(true)
    let round = 0
    for (let kills = 0; kills < KILLS; round++) {
      const { args, out, database } = into(`killed-${round}`)
      let ended = false
      while (!ended && kills < KILLS) {
        ended = await killAfter(400 + Math.random() * 2500, [...args, '--resume'])
        if (!ended) kills++
      }
      const { code, stderr } = await tickloom([...args, '--resume'])
      expect(code, stderr).toBe(0)
      expect(parquetFiles(out)).toEqual(undisturbed.parquet)
      expect(await clickhouseRows(database, 'R')).toEqual(undisturbed.clickhouse)
    }
  }, 600_000)

  it('run twice into the same run changes nothing', async () => {
    expect(await whole('undisturbed', ['--workers', '1'])).toEqual(undisturbed)
  }, 120_000)

  it('gives the same rows with two workers as with one', async () => {
    expect(await whole('workers-2', ['--workers', '2'])).toEqual(undisturbed)
  }, 120_000)
})
