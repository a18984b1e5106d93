import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { closeEmbeddedEngine } from '../../../connectors/clickhouse/engine.ts'
import { explainPlan, type Plan, planReplay, type ReplayFilter } from '../../../connectors/parquet/plan.ts'
import { Trade } from '../../../core/market.ts'
import type { Row } from '../../kit/table.ts'
import { copy, folder, OPEN, readAll } from './fixtures.ts'

afterAll(closeEmbeddedEngine)

const GROUP = 2_048

/**
 * Six row groups in time order, a strike and expiry to every two, calls before puts in each two: what a chain looks like whose
 * strikes trade one after the other. Rows after those mix everything.
 */
const chain = `SELECT make_timestamptz((${OPEN} + i * 1000)::BIGINT) AS ts, (100 + i % 40)::DOUBLE AS price, i::DOUBLE AS volume, 'NIFTY' AS symbol,
  CASE WHEN i < ${2 * GROUP} THEN DATE '2025-01-09' ELSE DATE '2025-01-16' END AS expiry,
  CASE WHEN i < ${6 * GROUP} THEN 23900 + (i // ${2 * GROUP}) * 100 ELSE 23900 + (i % 3) * 100 END::INTEGER AS strike,
  CASE WHEN (CASE WHEN i < ${6 * GROUP} THEN i // ${GROUP} ELSE i END) % 2 = 0 THEN 'CE' ELSE 'PE' END AS opt_type`

async function lakeOf(rows: number, named: boolean): Promise<string> {
  const lake = folder()
  const select = `${chain} FROM range(${rows}) t(i) ORDER BY i`
  const columns = named
    ? `ts, price, volume, symbol || ':' || strftime(expiry, '%Y-%m-%d') || ':' || strike || ':' || opt_type AS instrument`
    : '* REPLACE (strike::INTEGER AS strike)'
  const path = named ? 'ticks/symbol=NIFTY/date=2025-01-06/part-0.parquet' : '2025-01-06.parquet'
  await copy(join(lake, path), `SELECT ${columns} FROM (${select})`, `, ROW_GROUP_SIZE ${GROUP}`)
  return lake
}

const part = (row: Row, i: number): string => String(row['instrument']).split(':')[i]
type Case = [filter: ReplayFilter, keep: (row: Row) => boolean, read: number, leftOut: string]
const cases: Case[] = [
  [{ strikes: [24000] }, (row) => part(row, 2) === '24000', 2, '4 by strike'],
  [{ strikes: { min: 23950, max: 24050 } }, (row) => part(row, 2) === '24000', 2, '4 by strike'],
  [{ strikes: [23900, 24100] }, (row) => part(row, 2) !== '24000', 4, '2 by strike'],
  [{ types: ['PE'] }, (row) => part(row, 3) === 'PE', 3, '3 by type'],
  [{ expiries: ['2025-01-16'] }, (row) => part(row, 1) === '2025-01-16', 4, '2 by expiry'],
  [{ strikes: [24000], timeTo: '09:15:05' }, (row) => part(row, 2) === '24000' && (row['ts'] as number) < OPEN + 5e6, 0, ''],
]
const plan = (lake: string, filter: ReplayFilter): Promise<Plan> => planReplay(lake, { ...filter, columns: Trade })

describe('row groups whose statistics rule them out', () => {
  it.each(cases)('%j: are left out of the plan, and no row with them', async (filter, keep, groupsRead, leftOut) => {
    for (const named of [false, true]) {
      const lake = await lakeOf(6 * GROUP, named)
      const expected = (await readAll({ lake, reader: 'duckdb' })).filter(keep)
      if (groupsRead > 0) {
        const { days, pruned } = await plan(lake, filter)
        expect([days[0].files[0].groupsRead, pruned.groups, pruned.rows]).toEqual([groupsRead, 6 - groupsRead, (6 - groupsRead) * GROUP])
        const text = `${groupsRead} read; ${6 - groupsRead} left out by their statistics: ${named ? `${6 - groupsRead} by instrument` : leftOut}`
        expect(explainPlan(await plan(lake, filter))).toContain(text)
      }
      for (const reader of ['native', 'duckdb'] as const) {
        const got = await readAll({ lake, reader, ...filter }).catch((e) => (e.code === 'LAKE_EMPTY' ? [] : Promise.reject(e)))
        expect(got).toEqual(expected)
      }
    }
  })

  it('are read when one of their rows may be wanted', async () => {
    for (const named of [false, true]) {
      const lake = await lakeOf(6 * GROUP + 100, named)
      const { days } = await plan(lake, { strikes: [24000] })
      expect(days[0].files[0].groupsRead).toBe(3)
      const expected = (await readAll({ lake, reader: 'duckdb' })).filter((row) => part(row, 2) === '24000')
      for (const reader of ['native', 'duckdb'] as const) expect(await readAll({ lake, reader, strikes: [24000] })).toEqual(expected)
    }
  })

  it('leave nothing of a file, which then is left out for their reason', async () => {
    for (const named of [false, true]) {
      const lake = await lakeOf(6 * GROUP, named)
      for (const [filter, reason] of [
        [{ strikes: [30000] }, 'strike'],
        [{ expiries: ['2026-01-01'] }, 'expiry'],
        [{ symbols: ['BANKNIFTY'] }, 'symbol'],
        [{ timeFrom: '12:00' }, 'time'],
      ] as const) {
        await expect(plan(lake, filter), JSON.stringify(filter)).rejects.toMatchObject({ code: 'LAKE_EMPTY', at: { pruned: { [reason]: 1 } } })
      }
    }
  })
})
