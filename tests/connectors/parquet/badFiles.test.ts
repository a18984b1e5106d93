import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { closeEmbeddedEngine } from '../../../connectors/clickhouse/engine.ts'
import { copy, folder, OPEN, readAll } from './fixtures.ts'

afterAll(closeEmbeddedEngine)

const good = `SELECT make_timestamptz(${OPEN} + i * 1000) AS ts, 1.5::DOUBLE AS price, i::DOUBLE AS volume FROM range(5000) t(i)`
async function lakeOf(select: string): Promise<{ lake: string; file: string }> {
  const lake = folder()
  return { lake, file: await copy(join(lake, 'symbol=NIFTY/date=2025-01-06/expiry=2025-01-09/strike=24000/CE.parquet'), select) }
}
const failure = (code: string, ...words: string[]) =>
  expect.objectContaining({
    code,
    message: expect.stringMatching(new RegExp(words.map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[\\s\\S]*'))),
  })

describe.each(['direct', 'native', 'duckdb'] as const)('bad files, %s', (reader) => {
  it('truncated, or not Parquet at all', async () => {
    const { lake, file } = await lakeOf(good)
    truncateSync(file, 500)
    await expect(readAll({ lake, reader })).rejects.toEqual(failure('FILE_CORRUPT', file))
    writeFileSync(file, '')
    await expect(readAll({ lake, reader })).rejects.toEqual(failure('FILE_CORRUPT', file))
  })

  it('damaged inside', async () => {
    const { lake, file } = await lakeOf(good)
    const { readFileSync } = await import('node:fs')
    const bytes = readFileSync(file)
    bytes.fill(0x5a, 30, 3_000)
    writeFileSync(file, bytes)
    await expect(readAll({ lake, reader })).rejects.toEqual(failure('FILE_CORRUPT', file))
  })

  it('a wrong type, a missing column, a naive time, a missing time', async () => {
    const cases = [
      [`SELECT * REPLACE ('x' AS price) FROM (${good})`, 'price', 'VARCHAR', 'DOUBLE'],
      [`SELECT * EXCLUDE price FROM (${good})`, 'price', 'no such column'],
      [`SELECT * REPLACE (make_timestamp(${OPEN}) AS ts) FROM (${good})`, 'ts', 'TIMESTAMP', 'TIMESTAMP WITH TIME ZONE'],
      [`SELECT * REPLACE (CASE WHEN volume < 5 THEN ts END AS ts) FROM (${good})`, 'ts', 'missing'],
    ]
    for (const [select, ...words] of cases) {
      const { lake, file } = await lakeOf(select)
      await expect(readAll({ lake, reader })).rejects.toEqual(failure('FILE_SCHEMA', file, ...words))
    }
  })

  it('unsorted, naming the row', async () => {
    const { lake, file } = await lakeOf(`SELECT * REPLACE (CASE WHEN volume = 3000 THEN make_timestamptz(${OPEN}) ELSE ts END AS ts) FROM (${good})`)
    await expect(readAll({ lake, reader })).rejects.toEqual(failure('FILE_UNSORTED', file, 'row 3001'))
  })

  it('no lake, an empty one, a manifest that names nothing there', async () => {
    const lake = folder()
    await expect(readAll({ lake: join(lake, 'nowhere'), reader })).rejects.toEqual(failure('LAKE_MISSING', 'nowhere'))
    await expect(readAll({ lake, reader })).rejects.toEqual(failure('LAKE_EMPTY', lake))
    mkdirSync(join(lake, 'meta'))
    const line = 'NIFTY,2025-01-06,2025-01-09,24000,CE,10,2025-01-06T09:15:00Z,2025-01-06T09:16:00Z'
    for (const [bad, word] of [
      [`${line},gone.parquet,time`, 'gone.parquet'],
      ['NIFTY,today,,,,1,,,x,time', 'line 2'],
    ]) {
      writeFileSync(join(lake, 'meta/packed_manifest.csv'), `symbol,date,expiry,strike,type,rows,min_ts,max_ts,path,order\n${bad}\n`)
      await expect(readAll({ lake, reader })).rejects.toEqual(failure('LAKE_MANIFEST', word))
    }
  })
})
