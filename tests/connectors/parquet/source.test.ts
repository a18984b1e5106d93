import { afterAll, describe, expect, it } from 'vitest'
import { closeEmbeddedEngine } from '../../../connectors/clickhouse/engine.ts'
import { writeLakeDay } from '../../../connectors/parquet/lakeWriter.ts'
import { explainPlan, planReplay } from '../../../connectors/parquet/plan.ts'
import { parquetSource } from '../../../connectors/parquet/source.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Tick, Trade } from '../../../core/market.ts'
import { sourceContract } from '../../kit/sourceContract.ts'
import { type Row, rowsOf, toBatch } from '../../kit/table.ts'
import { copy, folder, mergedLake, OPEN, perContractLake, readAll } from './fixtures.ts'

afterAll(closeEmbeddedEngine)

const perContract = await perContractLake()
const merged = await mergedLake()

describe.each([
  ['merged files, decoded here', merged, 'direct'],
  ['a file a contract, decoded here', perContract, 'direct'],
  ['merged files, native', merged, 'native'],
  ['merged files, DuckDB', merged, 'duckdb'],
  ['a file a contract, DuckDB', perContract, 'duckdb'],
] as const)('%s', (_, lake, reader) => {
  sourceContract(async () => {
    const instruments = new Instruments()
    return { schema: Trade, instruments, source: () => parquetSource({ lake, columns: Trade, instruments, reader }) }
  })
})

const spot = (row: Row): boolean => row['instrument'] === 'NIFTY'
const written: Row[] = rowsOf(
  Tick,
  `ts             instrument               price  volume  oi  bid   ask
   09:15:00       NIFTY:2025-01-09:24000:CE 100   75     10  99.5  -
   09:15:00       NIFTY                    24000  0      0   -     -
   09:15:00       NIFTY:2025-01-16:24000:PE 90    150    20  89    91
   09:15:01.5     NIFTY:2025-01-09:23900:PE 80    75     10  -     80.5
   09:15:01       NIFTY:2025-01-30:FUT     24100  75     10  24099 24101
   09:15:02       NIFTY                    24001  0      0   -     -`,
)
async function ownLake(order: 'time' | 'arrival'): Promise<string> {
  const lake = folder()
  const instruments = new Instruments()
  await writeLakeDay({ lake, date: '2025-01-06', ticks: toBatch(Tick, written, instruments), order, instruments })
  return lake
}

describe('readers', () => {
  it.each(['merged', 'perContract', 'own'])('give the same rows, layout %s', async (layout) => {
    const lake = layout === 'merged' ? merged : layout === 'own' ? await ownLake('time') : perContract
    const native = await readAll({ lake, reader: 'native' })
    expect(native.length).toBeGreaterThan(5)
    expect(await readAll({ lake, reader: 'duckdb' })).toEqual(native)
    expect(await readAll({ lake, reader: 'direct' })).toEqual(native)
    expect(await readAll({ lake, reader: 'direct', inTurn: true })).toEqual(native)
  })

  it('floor nanoseconds to exact microseconds, and read nulls and missing columns as NaN', async () => {
    const lake = folder()
    const path = `${lake}/symbol=NIFTY/date=2024-01-04/expiry=2024-01-04/strike=21500/CE.parquet`
    await copy(
      path,
      `SELECT make_timestamptz(1704339900000000 + i) AS ts, 1.5::DOUBLE AS price, CASE WHEN i = 1 THEN 7 END::BIGINT AS volume FROM range(3) t(i)`,
    )
    for (const reader of ['direct', 'native', 'duckdb'] as const) {
      const rows = await readAll({ lake, reader })
      expect(rows.map((row) => [row['ts'], row['volume'], row['oi'], row['instrument']])).toEqual([
        [1704339900000000, NaN, NaN, 'NIFTY:2024-01-04:21500:CE'],
        [1704339900000001, 7, NaN, 'NIFTY:2024-01-04:21500:CE'],
        [1704339900000002, NaN, NaN, 'NIFTY:2024-01-04:21500:CE'],
      ])
    }
  })
})

describe('a lake written here', () => {
  it('is read in time order, spot first among rows of one time', async () => {
    const rows = await readAll({ lake: await ownLake('time') })
    const order = [1, 0, 2, 4, 3, 5]
    expect(rows).toEqual(order.map((i) => written[i]))
  })

  it('is read as recorded when it is a recording', async () => {
    for (const reader of ['direct', 'native', 'duckdb'] as const) expect(await readAll({ lake: await ownLake('arrival'), reader })).toEqual(written)
  })

  it('is read the same without its manifest', async () => {
    const lake = await ownLake('time')
    const before = await readAll({ lake })
    const { rmSync } = await import('node:fs')
    rmSync(`${lake}/meta`, { recursive: true })
    expect(await readAll({ lake })).toEqual(before)
  })
})

describe('pruning gives what filtering gives', () => {
  const filters = [
    [{ strikes: [24000] }, (r: Row) => spot(r) || /:24000:|FUT/.test(String(r['instrument']))],
    [{ strikes: { min: 23950, max: 24050 }, types: ['CE' as const] }, (r: Row) => /:24000:CE/.test(String(r['instrument']))],
    [{ expiries: ['2025-01-16'] }, (r: Row) => spot(r) || /:2025-01-16:/.test(String(r['instrument']))],
    [{ from: '2025-01-07' }, (r: Row) => (r['ts'] as number) > OPEN + 12 * 3600e6],
    [
      { timeFrom: '09:15:01', timeTo: '09:20', to: '2025-01-06' },
      (r: Row) => (r['ts'] as number) >= OPEN + 1e6 && (r['ts'] as number) < OPEN + 300e6,
    ],
    [{ symbols: ['NIFTY'] }, () => true],
  ] as const
  it.each(filters)('%j', async (filter, keep) => {
    for (const lake of [merged, perContract, await ownLake('time')]) {
      const expected = (await readAll({ lake })).filter(keep)
      for (const reader of ['native', 'duckdb'] as const) {
        const got = await readAll({ lake, reader, ...filter }).catch((e) => (e.code === 'LAKE_EMPTY' ? [] : Promise.reject(e)))
        expect(got).toEqual(expected)
      }
    }
  })

  it('is explained', async () => {
    const text = explainPlan(await planReplay(perContract, { columns: Trade, from: '2025-01-07', strikes: [24000] }))
    expect(text).toContain('6 by date')
    expect(text).toContain('4 by strike')
    expect(text).toContain('price <- ltp DOUBLE')
  })
})
