import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { closeEmbeddedEngine } from '../../../connectors/clickhouse/engine.ts'
import { writeLakeDay } from '../../../connectors/parquet/lakeWriter.ts'
import type { ReplayFilter } from '../../../connectors/parquet/plan.ts'
import type { Schema } from '../../../core/batch.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Tick, Trade } from '../../../core/market.ts'
import { type Row, toBatch } from '../../kit/table.ts'
import { heldDays, readDays } from './cacheFixtures.ts'
import { copy, folder, OPEN } from './fixtures.ts'

afterAll(closeEmbeddedEngine)

const NAMES = ['NIFTY', 'NIFTY:2025-01-09:23900:CE', 'NIFTY:2025-01-09:24000:PE', 'NIFTY:2025-01-16:24000:CE', 'NIFTY:2025-01-30:FUT']

/** Ticks of a day: many of one time, numbers that are none now and then. */
const ticks = fc
  .array(
    fc.record({
      wait: fc.constantFrom(0, 0, 1, 250_000, 30_000_000),
      instrument: fc.constantFrom(...NAMES),
      price: fc.double({ min: 0.05, max: 30_000, noNaN: true }),
      volume: fc.constantFrom(0, 75, 150, NaN),
      bid: fc.constantFrom(NaN, 99.95),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((rows) => {
    let ts = OPEN
    return rows.map(({ wait, ...row }): Row => ({ ts: (ts += wait), oi: 1, ask: NaN, ...row }))
  })

const filters: fc.Arbitrary<ReplayFilter> = fc.record(
  {
    strikes: fc.constantFrom<ReplayFilter['strikes']>([24000], [23900, 24000], { min: 23950, max: 24050 }),
    timeFrom: fc.constantFrom('09:15', '09:16:30'),
    timeTo: fc.constantFrom('09:15:00.5', '09:20'),
    types: fc.subarray<'CE' | 'PE' | 'FUT' | 'SPOT'>(['CE', 'PE', 'FUT', 'SPOT'], { minLength: 1 }),
    expiries: fc.constantFrom(['2025-01-09'], ['2025-01-16', '2025-01-30']),
  },
  { requiredKeys: [] },
)
const layouts = ['written here', 'recorded', 'merged', 'a file a contract'] as const

/** The ticks as a lake of that layout. */
async function lakeOf(layout: (typeof layouts)[number], days: readonly Row[][]): Promise<string> {
  const lake = folder()
  for (const [i, rows] of days.entries()) {
    const date = `2025-01-0${6 + i}`
    const shifted = rows.map((row) => ({ ...row, ts: (row['ts'] as number) + i * 86_400_000_000 }))
    const instruments = new Instruments()
    if (layout === 'merged' || layout === 'a file a contract') await foreignDay(lake, date, shifted, layout)
    else
      await writeLakeDay({ lake, date, ticks: toBatch(Tick, shifted, instruments), order: layout === 'recorded' ? 'arrival' : 'time', instruments })
  }
  return lake
}

async function foreignDay(lake: string, date: string, rows: readonly Row[], layout: 'merged' | 'a file a contract'): Promise<void> {
  const options = rows.filter((row) => /:[CP]E$/.test(String(row['instrument'])))
  const number = (value: unknown): string => (Number.isNaN(value) ? 'NULL' : String(value))
  const select = (some: readonly Row[], more: (row: Row) => string): string =>
    some
      .map(
        (r) => `SELECT make_timestamptz(${r['ts']}) AS ts, ${number(r['price'])}::DOUBLE AS ltp, ${number(r['volume'])}::BIGINT AS volume${more(r)}`,
      )
      .join(' UNION ALL ')
  const part = (row: Row): string[] => String(row['instrument']).split(':')
  const columns = (row: Row): string =>
    `, 'NIFTY' AS symbol, DATE '${part(row)[1]}' AS expiry, ${part(row)[2]}::INTEGER AS strike, '${part(row)[3]}' AS opt_type`
  const last = { ts: OPEN * 2, price: 1, volume: 1, instrument: NAMES[1] }
  if (layout === 'merged') return void (await copy(join(lake, `${date}.parquet`), select([...options, last], columns)))
  for (const name of NAMES.slice(1, 4)) {
    const [symbol, expiry, strike, type] = name.split(':')
    const path = join(lake, `symbol=${symbol}/date=${date}/expiry=${expiry}/strike=${strike}/${type}.parquet`)
    await copy(
      path,
      select([...options.filter((row) => row['instrument'] === name), last], () => ''),
    )
  }
}

describe('a cached day', () => {
  it('is the day, whatever its layout, the filter, the projection and the row that reading starts at', async () => {
    const columns = fc.constantFrom<Schema>(Trade, Tick, { ts: 'time', price: 'f64', instrument: 'instrument' })
    await fc.assert(
      fc.asyncProperty(
        fc.record({ layout: fc.constantFrom(...layouts), days: fc.array(ticks, { minLength: 1, maxLength: 2 }), filter: filters, columns }),
        fc.nat(70),
        async ({ layout, days, filter, columns }, after) => {
          const reading = { lake: await lakeOf(layout, days), filter, columns }
          const cache = folder()
          const whole = await outcome(readDays(reading))
          expect(await outcome(readDays({ ...reading, cache }))).toEqual(whole)
          expect(await outcome(readDays({ ...reading, cache }))).toEqual(whole)
          if ('rows' in whole) expect(await heldDays({ ...reading, cache })).toEqual(Object.keys(whole.rows))
          expect(await outcome(readDays({ ...reading, cache, after }))).toEqual(await outcome(readDays({ ...reading, after })))
        },
      ),
      { numRuns: 40 },
    )
  }, 120_000)
})

/** What was read, or the code of the failure: a filter that leaves nothing is refused, cached or not. */
async function outcome<T>(reading: Promise<T>): Promise<T | { code: unknown }> {
  try {
    return await reading
  } catch (thrown) {
    return { code: (thrown as { code?: unknown }).code ?? thrown }
  }
}
