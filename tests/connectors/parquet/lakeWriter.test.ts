import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { closeEmbeddedEngine } from '../../../connectors/clickhouse/engine.ts'
import { writeTextAtomically } from '../../../connectors/parquet/atomic.ts'
import { writeLakeDay } from '../../../connectors/parquet/lakeWriter.ts'
import { formatManifest, readLines } from '../../../connectors/parquet/manifest.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Tick } from '../../../core/market.ts'
import { type Row, rowsOf, toBatch } from '../../kit/table.ts'
import { copy, folder, OPEN, readAll } from './fixtures.ts'

afterAll(closeEmbeddedEngine)

const chain = rowsOf(
  Tick,
  `ts         instrument               price
   09:15:01   NIFTY:2025-01-09:24000:CE 100
   09:15:00   NIFTY                    24000
   09:15:00.5 NIFTY:2025-01-16:24000:PE 90`,
)
const bank = rowsOf(Tick, 'ts instrument price\n09:15:00 BANKNIFTY 50000')
const inTime = [1, 2, 0].map((i) => chain[i])

async function write(lake: string, order: 'time' | 'arrival', rows: Row[] = chain, date = '2025-01-06'): Promise<void> {
  const instruments = new Instruments()
  await writeLakeDay({ lake, date, ticks: toBatch(Tick, rows, instruments), order, instruments })
}
const files = (lake: string): string[] => (readdirSync(lake, { recursive: true }) as string[]).filter((name) => name.endsWith('.parquet')).sort()
const withoutManifest = (lake: string): Promise<Row[]> => {
  rmSync(join(lake, 'meta'), { recursive: true })
  return readAll({ lake })
}

describe('a day written again', () => {
  it.each([
    ['time', 'arrival', chain],
    ['arrival', 'time', inTime],
  ] as const)('%s, then %s: nothing of the first is left for a reader without the manifest', async (first, second, expected) => {
    const lake = folder()
    await write(lake, first)
    await write(lake, second)
    expect(await readAll({ lake })).toEqual(expected)
    expect(await withoutManifest(lake)).toEqual(expected)
  })

  it('with fewer expiries has no file of the others', async () => {
    const lake = folder()
    await write(lake, 'time')
    await write(lake, 'time', chain.slice(0, 2))
    expect(await withoutManifest(lake)).toEqual([chain[1], chain[0]])
  })

  it('leaves other days and other symbols alone', async () => {
    const lake = folder()
    await write(lake, 'time', bank)
    await write(lake, 'time', chain, '2025-01-07')
    await write(lake, 'time')
    const others = files(lake).filter((name) => !name.includes('symbol=NIFTY/date=2025-01-06'))
    await write(lake, 'arrival')
    expect(files(lake)).toEqual([...others, 'ticks/symbol=NIFTY/date=2025-01-06/recorded-0.parquet'].sort())
  })

  it('clears what a crash between the manifest and the clearing left', async () => {
    const lake = folder()
    await write(lake, 'time')
    rmSync(join(lake, 'meta'), { recursive: true })
    await write(lake, 'arrival')
    expect(files(lake)).toEqual(['ticks/symbol=NIFTY/date=2025-01-06/recorded-0.parquet'])
  })

  it('deletes what the manifest named inside the lake, nothing outside it, and no file that another symbol is still in', async () => {
    const [lake, outside] = [folder(), folder()]
    const one = `SELECT make_timestamptz(${OPEN}) AS ts, 'NIFTY' AS instrument, 1.5::DOUBLE AS price`
    const line = {
      contract: { kind: 'spot', underlying: 'NIFTY' } as const,
      date: '2025-01-06',
      rows: 1,
      min: OPEN,
      max: OPEN,
      order: 'time' as const,
    }
    const shared = { ...line, contract: { kind: 'spot', underlying: 'BANKNIFTY' } as const }
    for (const path of ['mine.parquet', 'both.parquet', 'foreign.parquet']) await copy(join(lake, path), one)
    await copy(join(outside, 'source.parquet'), one)
    const paths = ['mine.parquet', 'both.parquet', join(outside, 'source.parquet')]
    await writeTextAtomically(
      join(lake, 'meta/packed_manifest.csv'),
      formatManifest([...paths.map((path) => ({ ...line, path })), { ...shared, path: 'both.parquet' }]),
    )
    await write(lake, 'arrival')
    expect(files(lake)).toEqual(['both.parquet', 'foreign.parquet', 'ticks/symbol=NIFTY/date=2025-01-06/recorded-0.parquet'])
    expect(existsSync(join(outside, 'source.parquet'))).toBe(true)
    expect(readLines(lake).filter(({ path }) => path === 'both.parquet').length).toBe(1)
  })
})
