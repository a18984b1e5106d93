import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeEmbeddedEngine } from '../../../connectors/clickhouse/engine.ts'
import { parquetSource } from '../../../connectors/parquet/source.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Tick, Trade } from '../../../core/market.ts'
import { sourceContract } from '../../kit/sourceContract.ts'
import { filesOf, flipBit, heldDays, PLENTY, readDays } from './cacheFixtures.ts'
import { copy, folder, mergedLake, OPEN, perContractLake } from './fixtures.ts'

afterAll(closeEmbeddedEngine)

const layouts = [
  ['merged files', await mergedLake()],
  ['a file a contract', await perContractLake()],
] as const

const ROWS = 2 * 65_536
/** A day of two whole chunks, so that a cache file can be damaged behind what has been read of it. */
async function longLake(rows = ROWS): Promise<string> {
  const lake = folder()
  const select = `SELECT make_timestamptz((${OPEN} + i * 100)::BIGINT) AS ts, i::DOUBLE AS ltp, (i * 3)::BIGINT AS volume,
    'NIFTY' AS symbol, DATE '2025-01-09' AS expiry, (24000 + i % 3)::INTEGER AS strike, 'CE' AS opt_type FROM range(${rows}) t(i)`
  await copy(join(lake, '2025-01-06.parquet'), `${select} ORDER BY i`)
  return lake
}
const long = await longLake()
const longCache = folder()
const uncached = await readDays({ lake: long, cache: longCache })

describe.each(layouts)('cached, %s', (_, lake) => {
  const cache = folder()
  beforeAll(() => readDays({ lake, cache }))
  sourceContract(async () => {
    const instruments = new Instruments()
    return { schema: Trade, instruments, source: () => parquetSource({ lake, columns: Trade, instruments, cache: { dir: cache, bytes: PLENTY } }) }
  })

  it('gives the rows, positions, watermarks and ids that the lake gives, when it is filled and ever after', async () => {
    const cache = folder()
    const { warnings, ...uncached } = await readDays({ lake })
    for (let time = 1; time <= 3; time++) expect(await readDays({ lake, cache }), `time ${time}`).toEqual({ ...uncached, warnings })
    expect(await heldDays({ lake, cache })).toEqual(Object.keys(uncached.rows))
  })
})

describe('positions', () => {
  it.each([1, 65_535, 65_536, 65_537, ROWS - 1, ROWS])('of the lake and of the cache are one: %i rows in', async (after) => {
    for (const cache of [undefined, longCache]) {
      const { rows, ends } = await readDays({ lake: long, after, cache })
      expect(ends).toEqual(uncached.ends)
      expect(same(rows['2025-01-06'], uncached.rows['2025-01-06'].slice(after))).toBe(true)
    }
  })

  it('inside a day that is not cached keep it whole all the same', async () => {
    const cache = folder()
    await readDays({ lake: long, after: 100_000, cache })
    expect(await heldDays({ lake: long, cache })).toEqual(['2025-01-06'])
    expect(same((await readDays({ lake: long, cache })).rows, uncached.rows)).toBe(true)
  })
})

/** Not toEqual of so many objects: all that differ would be printed. */
function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

describe('the cache is missed', () => {
  const path = (lake: string) => join(lake, 'symbol=NIFTY/date=2025-01-06/expiry=2025-01-09/strike=24000/CE.parquet')
  const manifest = (lake: string) => join(lake, 'meta/packed_manifest.csv')
  const other = `SELECT make_timestamptz((${OPEN} + i)::BIGINT) AS ts, 5.0::DOUBLE AS ltp, i::BIGINT AS volume FROM range(10) t(i)`
  const changes: [string, (lake: string) => Promise<unknown> | unknown][] = [
    ['a file written anew', (lake) => copy(path(lake), other)],
    ['a file that the manifest names no longer', (lake) => writeFileSync(manifest(lake), dropLine(readFileSync(manifest(lake), 'utf8'), '24000,CE'))],
    [
      'a file added',
      async (lake) => {
        await copy(path(lake).replace('24000', '25000'), other)
        const line = readFileSync(manifest(lake), 'utf8').split('\n')[1]
        writeFileSync(manifest(lake), `${readFileSync(manifest(lake), 'utf8')}${line.replaceAll('23900', '25000')}\n`)
      },
    ],
    [
      'a file removed, without manifest',
      (lake) => {
        rmSync(manifest(lake))
        rmSync(path(lake))
      },
    ],
  ]
  it.each(changes)('by %s, and only for its day', async (_, change) => {
    const [lake, cache] = [await perContractLake(50), folder()]
    await readDays({ lake, cache })
    const before = await readDays({ lake })
    await change(lake)
    const now = await readDays({ lake })
    expect(now.rows['2025-01-06']).not.toEqual(before.rows['2025-01-06'])
    expect(await heldDays({ lake, cache })).not.toContain('2025-01-06')
    expect((await readDays({ lake, cache })).rows).toEqual(now.rows)
    expect((await readDays({ lake, cache })).rows).toEqual(now.rows)
    expect(await heldDays({ lake, cache })).toEqual(['2025-01-06', '2025-01-07'])
  })

  it('by a file changed in place, of the same size and with its old time put back', async () => {
    const [lake, cache] = [folder(), folder()]
    const write = (price: number) =>
      copy(join(lake, 'symbol=NIFTY/date=2025-01-06/spot.parquet'), `SELECT make_timestamptz(${OPEN}) AS ts, ${price}::DOUBLE AS price`)
    const file = await write(5)
    utimesSync(file, 1_736_000_000, 1_736_000_000)
    await readDays({ lake, cache })
    const { size, mtimeMs } = statSync(file)
    await write(6)
    utimesSync(file, 1_736_000_000, 1_736_000_000)
    expect(statSync(file)).toMatchObject({ size, mtimeMs })
    expect((await readDays({ lake, cache })).rows['2025-01-06']).toMatchObject([{ price: 6 }])
  })

  const choices = [
    ['strikes', { filter: { strikes: [24000] } }],
    ['strikes between', { filter: { strikes: { min: 23900, max: 23950 } } }],
    ['types', { filter: { types: ['CE' as const] } }],
    ['expiries', { filter: { expiries: ['2025-01-16'] } }],
    ['the first time', { filter: { timeFrom: '09:15:30' } }],
    ['the last time', { filter: { timeTo: '09:16' } }],
    ['columns', { columns: Tick }],
  ] as const
  it.each(choices)('by another choice of %s within a file', async (_, choice) => {
    const [lake, cache] = [layouts[0][1], folder()]
    await readDays({ lake, cache })
    expect(await heldDays({ lake, cache, ...choice })).toEqual([])
    expect((await readDays({ lake, cache, ...choice })).rows).toEqual((await readDays({ lake, ...choice })).rows)
  })

  it.each(choices.filter(([what]) => what !== 'expiries'))('by another choice of %s among files', async (_, choice) => {
    const [lake, cache] = [layouts[1][1], folder()]
    await readDays({ lake, cache })
    expect(await heldDays({ lake, cache, ...choice })).toEqual([])
    const uncached = await readDays({ lake, ...choice })
    for (let time = 1; time <= 2; time++) expect(await readDays({ lake, cache, ...choice }), `time ${time}`).toEqual(uncached)
    expect(await heldDays({ lake, cache, ...choice })).toEqual(['2025-01-06', '2025-01-07'])
    expect(await heldDays({ lake, cache })).toEqual(['2025-01-06', '2025-01-07'])
  })

  it('not by other dates', async () => {
    const [lake, cache] = [layouts[1][1], folder()]
    await readDays({ lake, cache, filter: { from: '2025-01-07' } })
    expect(await heldDays({ lake, cache })).toEqual(['2025-01-07'])
    expect((await readDays({ lake, cache })).rows).toEqual((await readDays({ lake })).rows)
  })
})

describe('a damaged cache file', () => {
  const chunk = 65_536 * 28
  it.each([
    ['a bit of its head', (path: string) => flipBit(path, 3)],
    ['a bit of the first rows', (path: string) => flipBit(path, 16)],
    ['a bit far inside', (path: string) => flipBit(path, 16 + chunk + 12_345)],
    ['a bit of the last rows', (path: string) => flipBit(path, 16 + ROWS * 28 - 1)],
    ['a bit of its contents', (path: string) => flipBit(path, 16 + ROWS * 28 + 5)],
    ['a bit of its end', (path: string) => flipBit(path, -1)],
    ['a bit of the length', (path: string) => flipBit(path, -21)],
    ['its end', (path: string) => truncateSync(path, statSync(path).size - 1)],
    ['half of it', (path: string) => truncateSync(path, chunk)],
    ['all of it', (path: string) => truncateSync(path, 0)],
    ['rows in the middle, its end being whole', (path: string) => cutOut(path, 16 + chunk, chunk)],
  ])('that lost %s is told once, not used and written anew', async (_, damage) => {
    const cache = folder()
    const [whole] = filesOf(longCache)
    const path = join(cache, 'ticks', basename(whole))
    mkdirSync(dirname(path))
    copyFileSync(whole, path)
    damage(path)
    const again = await readDays({ lake: long, cache })
    expect(again.warnings).toEqual([expect.stringContaining(path)])
    expect(again.ends).toEqual(uncached.ends)
    expect(same(again.rows, uncached.rows)).toBe(true)
    expect(filesOf(cache)).toEqual([path])
    expect(await heldDays({ lake: long, cache })).toEqual(['2025-01-06'])
    const rowsOf = (path: string): Buffer => readFileSync(path).subarray(0, 16 + ROWS * 28)
    expect(rowsOf(path).equals(rowsOf(whole))).toBe(true)
  })

  it('that is removed while it is wanted is read from the lake', async () => {
    const cache = folder()
    await readDays({ lake: long, cache })
    const instruments = new Instruments()
    const source = parquetSource({ lake: long, columns: Trade, instruments, cache: { dir: cache, bytes: PLENTY } })
    await source.partitions()
    rmSync(filesOf(cache)[0])
    let rows = 0
    for await (const { batch } of source.open('2025-01-06', undefined, new AbortController().signal)) rows += batch.n
    await source.close()
    expect(rows).toBe(ROWS)
    expect(await heldDays({ lake: long, cache })).toEqual(['2025-01-06'])
  })
})

describe('nothing is kept', () => {
  const [, lake] = layouts[0]

  it('of a day that is not read to its end', async () => {
    const cache = folder()
    const source = parquetSource({ lake: long, columns: Trade, instruments: new Instruments(), cache: { dir: cache, bytes: PLENTY } })
    for await (const _ of source.open('2025-01-06', undefined, new AbortController().signal)) break
    await source.close()
    expect(filesOf(cache)).toEqual([])
  })

  it('of a day whose files change while it is read', async () => {
    const [lake, cache] = [await longLake(), folder()]
    const source = parquetSource({ lake, columns: Trade, instruments: new Instruments(), cache: { dir: cache, bytes: PLENTY } })
    for await (const _ of source.open('2025-01-06', undefined, new AbortController().signal))
      utimesSync(join(lake, '2025-01-06.parquet'), new Date(), new Date())
    await source.close()
    expect(filesOf(cache)).toEqual([])
  })

  it('of a day that cannot be read', async () => {
    const [lake, cache] = [folder(), folder()]
    await copy(
      join(lake, 'symbol=NIFTY/date=2025-01-06/spot.parquet'),
      `SELECT make_timestamptz((${OPEN} - i)::BIGINT) AS ts, 1.5::DOUBLE AS price FROM range(9) t(i)`,
    )
    for (let time = 1; time <= 2; time++) await expect(readDays({ lake, cache })).rejects.toMatchObject({ code: 'FILE_UNSORTED' })
    expect(filesOf(cache)).toEqual([])
  })

  it('where it cannot be written, which is told once and costs no row', async () => {
    const occupied = join(folder(), 'a-file')
    writeFileSync(occupied, '')
    const [lake] = [layouts[1][1]]
    const { warnings, rows } = await readDays({ lake, cache: join(occupied, 'cache') })
    expect(warnings).toEqual([expect.stringContaining('the cache is not written: ')])
    expect(rows).toEqual((await readDays({ lake })).rows)
  })

  it('where there is no cache', async () => {
    await readDays({ lake })
    expect(existsSync(join(lake, '.tickloom'))).toBe(false)
  })
})

describe('two readers at once', () => {
  it('fill one cache without disturbing each other', async () => {
    const cache = folder()
    const [a, b] = await Promise.all([readDays({ lake: long, cache }), readDays({ lake: long, cache, reader: 'duckdb' })])
    expect(same(a.rows, b.rows)).toBe(true)
    expect(filesOf(cache)).toHaveLength(1)
    expect(same((await readDays({ lake: long, cache })).rows, a.rows)).toBe(true)
  })
})

describe('the limit', () => {
  const day = (lake: string, cache: string, date: string, bytes: number) => readDays({ lake, cache, bytes, filter: { from: date, to: date } })

  it('is kept by removing what was not used for longest', async () => {
    const [lake, cache] = [layouts[1][1], folder()]
    await readDays({ lake, cache })
    const [first, second] = filesOf(cache)
    for (const path of [first, second]) utimesSync(path, new Date('2020-01-02'), new Date('2020-01-02'))
    utimesSync(second, new Date('2020-01-01'), new Date('2020-01-01'))
    const bytes = statSync(first).size + statSync(second).size + 1_000
    const third = await day(await perContractLake(290), cache, '2025-01-06', bytes)
    expect(third.warnings).toEqual([])
    expect(filesOf(cache)).toContain(first)
    expect(filesOf(cache)).not.toContain(second)
    expect(filesOf(cache)).toHaveLength(2)
  })

  it('leaves what this replay uses, so that a longer one finds the same days each time', async () => {
    const [lake, cache] = [layouts[1][1], folder()]
    await readDays({ lake, cache })
    const bytes = statSync(filesOf(cache)[0]).size + 1_000
    rmSync(cache, { recursive: true })
    for (let time = 1; time <= 3; time++) {
      const { warnings, rows } = await readDays({ lake, cache, bytes })
      expect(warnings).toEqual([expect.stringContaining('no room for 2025-01-07')])
      expect(rows).toEqual((await readDays({ lake })).rows)
      expect(await heldDays({ lake, cache })).toEqual(['2025-01-06'])
    }
  })

  it('touches no file of others', async () => {
    const [lake, cache] = [layouts[1][1], folder()]
    const notes = join(cache, 'ticks', 'notes.columns')
    mkdirSync(dirname(notes))
    writeFileSync(notes, 'x'.repeat(10_000))
    utimesSync(notes, new Date('2020-01-01'), new Date('2020-01-01'))
    await readDays({ lake, cache, bytes: 1 })
    expect(filesOf(cache)).toEqual([notes])
  })
})

function dropLine(text: string, part: string): string {
  const lines = text.split('\n')
  const at = lines.findIndex((line) => line.includes('2025-01-06') && line.includes(part))
  return lines.filter((_, i) => i !== at).join('\n')
}

function cutOut(path: string, from: number, bytes: number): void {
  const all = readFileSync(path)
  writeFileSync(path, Buffer.concat([all.subarray(0, from), all.subarray(from + bytes)]))
}
