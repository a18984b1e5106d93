import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeEmbeddedEngine, embeddedEngine } from '../../../connectors/clickhouse/engine.ts'
import { duckRows } from '../../../connectors/parquet/duck.ts'
import { folder, OPEN, type Options, readAll } from './fixtures.ts'

afterAll(closeEmbeddedEngine)

// DuckDB writes nanoseconds only without a zone, so the other engine writes the fixture.
const nanos = [0, 1, 499, 500, 999, 1_000, 1_999, 999_999_499, 999_999_500, 999_999_999, 1_000_000_000, 1_000_000_001]
const floored = nanos.map((n) => OPEN + Math.floor(n / 1000))

describe.each([false, true])('nanoseconds, a column that may be missing: %s', (nullable) => {
  const lake = folder()
  const path = join(lake, 'symbol=NIFTY/date=2025-01-06/expiry=2025-01-09/strike=24000/CE.parquet')

  beforeAll(() => {
    mkdirSync(dirname(path), { recursive: true })
    const ts = `fromUnixTimestamp64Nano(toInt64(${OPEN}000) + arrayJoin([${nanos.join(', ')}]), 'UTC')`
    embeddedEngine().query(
      `INSERT INTO FUNCTION file('${path}', 'Parquet') SELECT ${nullable ? `toNullable(${ts})` : ts} AS ts, toFloat64(1.5) AS price, toFloat64(2) AS volume`,
      'CSV',
    )
  })

  it('are what the file holds', async () => {
    const [{ unit }] = await duckRows<{ unit: string }>(`SELECT logical_type AS unit FROM parquet_schema('${path}') WHERE name = 'ts'`)
    expect(unit).toMatch(/isAdjustedToUTC=1.*NANOS=Nano/)
  })

  describe.each(['auto', 'native', 'duckdb'] as const)('%s', (reader) => {
    const times = async (options: Partial<Options> = {}): Promise<unknown[]> => (await readAll({ lake, reader, ...options })).map((row) => row['ts'])

    it('are floored to microseconds, also before the next second', async () => {
      expect(await times()).toEqual(floored)
    })

    it('are of the second they were before rounding, for a time of day too', async () => {
      expect(await times({ timeTo: '09:15:01' })).toEqual(floored.filter((ts) => ts < OPEN + 1e6))
      expect(await times({ timeFrom: '09:15:01' })).toEqual(floored.filter((ts) => ts >= OPEN + 1e6))
    })
  })
})
