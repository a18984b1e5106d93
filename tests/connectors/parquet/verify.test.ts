import { appendFileSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { synthesise } from '../../../cli/synth.ts'
import { checksumOf } from '../../../connectors/parquet/checksum.ts'
import { duckRows } from '../../../connectors/parquet/duck.ts'
import { BARS_MANIFEST, MANIFEST } from '../../../connectors/parquet/manifest.ts'
import type { Fault } from '../../../connectors/parquet/verify/fault.ts'
import { type VerifyReport, verifyLake } from '../../../connectors/parquet/verify/lake.ts'
import { Instruments } from '../../../core/instruments.ts'
import { HEARTBEAT, Quote } from '../../../core/market.ts'
import { IST } from '../../../core/time.ts'
import { runHere } from '../../kit/inProcess.ts'
import { recordedLake } from '../../kit/recordedLake.ts'
import { rowsOf, toBatch } from '../../kit/table.ts'
import { input, packHere } from '../archives/packing.ts'
import { gdflBarsCsv, gdflCsv } from '../archives/vendors.ts'
import { perContractLake } from './fixtures.ts'

const base = mkdtempSync(join(tmpdir(), 'verify-'))
const whole = join(base, 'whole')
const DAY = 'ticks/symbol=NIFTY/date=2025-01-06'
const SPOT = `${DAY}/part-0.parquet`
const CHAIN = `${DAY}/expiry=2025-01-09/part-0.parquet`
let copies = 0

beforeAll(() => synthesise({ out: whole, days: 2, from: '2025-01-06', strikes: 1, rate: 0.02, seed: 7, symbol: 'NIFTY', order: 'time' }))
afterAll(() => rmSync(base, { recursive: true }))

/** A copy of the whole lake to spoil. */
function copy(): string {
  const lake = join(base, `${++copies}`)
  cpSync(whole, lake, { recursive: true })
  return lake
}

const verify = (lake: string): Promise<VerifyReport> => verifyLake(lake, { workers: 2, zoneOf: () => IST })

/** Writes a file again as the query says, `rows` being what it was; the manifest gets its checksum. */
async function rewrite(lake: string, name: string, select: string, book = MANIFEST): Promise<void> {
  const path = join(lake, name)
  renameSync(path, `${path}.was`)
  const rows = `(SELECT * FROM read_parquet('${path}.was', hive_partitioning = false, file_row_number = true))`
  await duckRows(`COPY (SELECT * EXCLUDE file_row_number FROM (${select.replace('rows', rows)})) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)`)
  rmSync(`${path}.was`)
  manifest(lake, (line) => (line.includes(`,${name},`) ? line.replace(/[^,]*$/, checksumOf(path)) : line), book)
}

function manifest(lake: string, change: (line: string) => string, book = MANIFEST): void {
  const lines = readFileSync(join(lake, book), 'utf8').split('\n')
  writeFileSync(join(lake, book), lines.map(change).join('\n'))
}

/** `what | found` of every fault of one file; those of others are named. */
const told = ({ faults }: VerifyReport, file: string): string[] => faults.map((f) => `${f.file === file ? '' : `${f.file}: `}${f.what} | ${f.found}`)

test('a lake as it was written is whole, every row of it read', async () => {
  const { files, rows, faults, notes, withoutChecksum } = await verify(whole)
  const [{ n }] = await duckRows<{ n: number }>(`SELECT count(*)::DOUBLE AS n FROM read_parquet('${whole}/ticks/**/*.parquet')`)
  expect({ files, rows, faults, notes, withoutChecksum }).toEqual({ files: 4, rows: n, faults: [], notes: [], withoutChecksum: 0 })
})

describe('each fault is told once, with the file and what was found', () => {
  const row = (n: number, column: string, value: string): string =>
    `SELECT * REPLACE (CASE WHEN file_row_number = ${n} THEN ${value} ELSE ${column} END AS ${column}) FROM rows`
  it.each<[string, string, (lake: string) => unknown, unknown[]]>([
    ['a file that is gone', SPOT, (lake) => rmSync(join(lake, SPOT)), ['missing file | no such file']],
    [
      'a file that nothing names',
      `${DAY}/part-9.parquet`,
      (lake) => cpSync(join(lake, SPOT), join(lake, DAY, 'part-9.parquet')),
      ['file not in the manifest | none does'],
    ],
    ['what a crash left', `${SPOT}.tmp`, (lake) => writeFileSync(join(lake, `${SPOT}.tmp`), 'PAR1'), ['leftover | one that a write left']],
    [
      'the same rows in another file',
      SPOT,
      (lake) => duckRows(`COPY (FROM '${join(whole, SPOT)}') TO '${join(lake, SPOT)}' (FORMAT parquet, COMPRESSION snappy)`),
      [expect.stringMatching(/^checksum \| [0-9a-f]{32}$/)],
    ],
    [
      'a byte that changed',
      SPOT,
      (lake) => flip(join(lake, SPOT), 40),
      [expect.stringContaining('checksum'), expect.stringContaining('row group 1 not')],
    ],
    [
      'no Parquet',
      SPOT,
      (lake) => writeFileSync(join(lake, SPOT), 'nothing'),
      [expect.stringContaining('checksum'), expect.stringMatching(/^unreadable \| .*too small/)],
    ],
    ['a column of another type', SPOT, (lake) => rewrite(lake, SPOT, 'SELECT * REPLACE (volume::VARCHAR AS volume) FROM rows'), ['schema | VARCHAR']],
    ['no prices', SPOT, (lake) => rewrite(lake, SPOT, 'SELECT * EXCLUDE price FROM rows'), ['schema | no such column']],
    ['a row too few', SPOT, (lake) => rewrite(lake, SPOT, 'SELECT * FROM rows WHERE file_row_number <> 5'), [expect.stringMatching(/^rows \| \d+$/)]],
    [
      'its first row gone',
      SPOT,
      (lake) => rewrite(lake, SPOT, 'SELECT * FROM rows WHERE file_row_number > 0'),
      [expect.stringMatching(/^rows/), expect.stringMatching(/^first time \| 2025-01-06 03:3.* UTC$/)],
    ],
    [
      'a last time that is not',
      SPOT,
      (lake) => manifest(lake, (line) => (line.includes(SPOT) ? line.replace(/,[^,]*(,ticks)/, ',2025-01-06T10:30:00Z$1') : line)),
      [expect.stringMatching(/^last time/)],
    ],
    [
      'a contract of another file',
      CHAIN,
      (lake) => rewrite(lake, CHAIN, row(3, 'instrument', "'NIFTY:2025-01-16:24000:CE'")),
      expect.arrayContaining([expect.stringMatching(/^rows/), 'contract not in the manifest | NIFTY:2025-01-16:24000:CE, 1 row']),
    ],
    [
      'a contract of the manifest without a row',
      CHAIN,
      (lake) => rewrite(lake, CHAIN, "SELECT * FROM rows WHERE instrument NOT LIKE '%:PE'"),
      ['contract without rows | none'],
    ],
    [
      'a name that is none',
      SPOT,
      (lake) => rewrite(lake, SPOT, row(3, 'instrument', "'NIFTY:tomorrow'")),
      [expect.stringMatching(/^rows/), 'instrument | "NIFTY:tomorrow" in 1 row'],
    ],
    [
      'a row without an instrument',
      SPOT,
      (lake) => rewrite(lake, SPOT, row(3, 'instrument', 'NULL')),
      [expect.stringMatching(/^rows/), expect.stringMatching(/^instrument \| 1 row, the first row 4:/)],
    ],
    ['a row without a time', SPOT, (lake) => rewrite(lake, SPOT, row(3, 'ts', 'NULL')), ['schema | 1 missing values']],
    [
      'a row before the one above',
      SPOT,
      (lake) => rewrite(lake, SPOT, row(30, 'ts', 'ts - INTERVAL 10 MINUTE')),
      [expect.stringMatching(/^time order \| 1 row, the first row 31: NIFTY at 2025-01-06 .*, price [\d.]+, after 2025-01-06 /)],
    ],
    [
      'rows of one time in another order than they came',
      SPOT,
      (lake) =>
        rewrite(
          lake,
          SPOT,
          "SELECT * REPLACE (TIMESTAMPTZ '2025-01-06 10:00:00+05:30' AS ts, CASE WHEN file_row_number = 9 THEN 0 ELSE arrival END AS arrival) FROM rows",
        ),
      expect.arrayContaining([expect.stringMatching(/^arrival order \| 1 row, the first row 10:/)]),
    ],
    [
      'rows of the day after',
      SPOT,
      (lake) => rewrite(lake, SPOT, 'SELECT * REPLACE (ts + INTERVAL 1 DAY AS ts) FROM rows'),
      expect.arrayContaining([expect.stringMatching(/^date \| \d+ rows, the first row 1: NIFTY at 2025-01-07/)]),
    ],
    [
      'a price of 0',
      SPOT,
      (lake) => rewrite(lake, SPOT, row(7, 'price', '0')),
      [expect.stringMatching(/^price \| 1 row, the first row 8: .* price 0,/)],
    ],
    ['a price that is none', SPOT, (lake) => rewrite(lake, SPOT, row(7, 'price', "'nan'::DOUBLE")), [expect.stringMatching(/^price \| 1 row/)]],
    ['a price without end', SPOT, (lake) => rewrite(lake, SPOT, row(7, 'price', "'inf'::DOUBLE")), [expect.stringMatching(/^price \| 1 row/)]],
    ['a missing price', SPOT, (lake) => rewrite(lake, SPOT, row(7, 'price', 'NULL')), [expect.stringMatching(/^price \| 1 row.*price missing/)]],
    [
      'a manifest of two minds',
      SPOT,
      (lake) => appendFileSync(join(lake, MANIFEST), `NIFTY,2025-01-07,,,,0,2025-01-06T04:00:00Z,2025-01-06T04:00:00Z,${SPOT},time,\n`),
      expect.arrayContaining(['manifest | 2025-01-07, time, none']),
    ],
    [
      'a manifest that cannot be read',
      MANIFEST,
      (lake) => appendFileSync(join(lake, MANIFEST), 'NIFTY,today\n'),
      [expect.stringMatching(/^manifest \| .*line \d+: "today" is not a date/)],
    ],
  ])('%s', async (_, file, spoil, expected) => {
    const lake = copy()
    await spoil(lake)
    expect(told(await verify(lake), file)).toEqual(expected)
  })

  it('a row group that cannot be read is named, the others are', async () => {
    const lake = copy()
    await rewrite(lake, CHAIN, 'SELECT r.* EXCLUDE k FROM (SELECT a.*, k FROM rows a, range(20) t(k)) r ORDER BY ts')
    const path = join(lake, CHAIN)
    const [{ at, groups }] = await duckRows<{ at: number; groups: number }>(
      `SELECT dictionary_page_offset::DOUBLE AS at, (SELECT max(row_group_id) + 1 FROM parquet_metadata('${path}'))::DOUBLE AS groups FROM parquet_metadata('${path}') WHERE row_group_id = 1 AND path_in_schema = 'instrument'`,
    )
    flip(path, at, 30)
    const found = (await verify(lake)).faults.filter((fault) => fault.what === 'unreadable')
    expect(found).toMatchObject([{ file: CHAIN, expected: `${groups} row groups`, found: expect.stringMatching(/^row group 2 not: /) }])
  })
})

function flip(path: string, at: number, length = 1): void {
  const bytes = readFileSync(path)
  for (let i = 0; i < length; i++) bytes[at + i] ^= 0xff
  writeFileSync(path, bytes)
}

describe('other lakes', () => {
  it('one packed before there were checksums is whole, and says so', async () => {
    const lake = copy()
    manifest(lake, (line) => line.slice(0, line.lastIndexOf(',')))
    expect(await verify(lake)).toMatchObject({ faults: [], withoutChecksum: 4 })
  })

  it('one without a manifest is read by its paths', async () => {
    const lake = copy()
    rmSync(join(lake, 'meta'), { recursive: true })
    expect(await verify(lake)).toMatchObject({ files: 4, faults: [], notes: [expect.stringContaining('no manifest')] })
  })

  it('one with a file a contract, by the manifest of another tool', async () => {
    const { files, faults } = await verify(await perContractLake(20))
    expect(files).toBe(12)
    expect(new Set(faults.map(({ what }) => what))).toEqual(new Set(['first time', 'last time']))
  })

  it('one filed as it arrived need not be in the order of time', async () => {
    const lake = join(base, 'arrival')
    await synthesise({ out: lake, days: 1, from: '2025-01-06', strikes: 1, rate: 0.2, seed: 7, symbol: 'NIFTY', order: 'arrival' })
    expect((await verify(lake)).faults).toEqual([])
    const name = 'ticks/symbol=NIFTY/date=2025-01-06/recorded-0.parquet'
    await rewrite(lake, name, 'SELECT * REPLACE (CASE WHEN file_row_number = 50 THEN 3 ELSE arrival END AS arrival) FROM rows')
    expect(told(await verify(lake), name)).toEqual([expect.stringMatching(/^arrival order \| 1 row, the first row 51:/)])
  })
})

describe('a lake that was packed', () => {
  const rows = [{ time: '09:15:01', price: 100 }]
  const names = ['NIFTY04JAN2421500CE.NFO', 'NIFTY11JAN2421500CE.NFO']

  it('is whole; a file that is gone with its lines of the manifest is missed by the record of its pack', async () => {
    const lake = join(base, `packed-${++copies}`)
    const csv = names.map((name, i) => gdflCsv(name, '2024-01-04', rows).toString().split('\n').slice(i).join('\n')).join('')
    await packHere(lake, [input(base, `${copies}.csv`, csv)])
    expect(await verify(lake)).toMatchObject({ files: 2, rows: 2, faults: [], withoutChecksum: 0 })
    const [line] = readFileSync(join(lake, MANIFEST), 'utf8').split('\n').slice(1)
    rmSync(join(lake, line.split(',')[8]))
    writeFileSync(join(lake, MANIFEST), readFileSync(join(lake, MANIFEST), 'utf8').replace(`${line}\n`, ''))
    expect((await verify(lake)).faults).toEqual([
      { file: expect.stringMatching(/^meta\/packed\/[0-9a-f]+\.json$/), what: 'rows', expected: '2 rows packed', found: '1 in the manifest' },
    ])
  })
})

describe('bars', () => {
  const ticker = 'NIFTY04JAN2421500CE.NFO'
  const packed = async (): Promise<{ lake: string; file: string }> => {
    const lake = join(base, `bars-${++copies}`)
    const bar = { time: '09:15:59', open: 100, high: 103, low: 99, close: 102, volume: 750, oi: 500 }
    await packHere(lake, [input(base, `${copies}.csv`, gdflBarsCsv(ticker, '2024-01-04', [bar, { ...bar, time: '09:16:59' }]))])
    const file = (readdirSync(join(lake, 'bars'), { recursive: true }) as string[]).find((name) => name.endsWith('.parquet'))
    return { lake, file: `bars/${file}` }
  }

  it('that were packed are whole', async () => {
    const { lake } = await packed()
    expect(await verify(lake)).toMatchObject({ files: 1, rows: 2, faults: [], notes: [], withoutChecksum: 0 })
  })

  it.each([
    ['a high below the close', 'SELECT * REPLACE (101::DOUBLE AS high) FROM rows', [expect.stringMatching(/^bar \| 2 rows, the first row 1:/)]],
    ['no lows', 'SELECT * EXCLUDE low FROM rows', ['schema | no such column']],
    ['a row too few', 'SELECT * FROM rows LIMIT 1', ['rows | 1', expect.stringMatching(/^last time/)]],
  ])('%s', async (_, select, expected) => {
    const { lake, file } = await packed()
    await rewrite(lake, file, select, BARS_MANIFEST)
    expect(told(await verify(lake), file)).toEqual(expected)
  })
})

describe('recordings', () => {
  const table = (text: string, instruments: Instruments) => toBatch(Quote, rowsOf(Quote, text), instruments)
  async function recorded(): Promise<string> {
    const instruments = new Instruments()
    instruments.id(HEARTBEAT)
    const rows = `
      ts                   instrument  price
      09:15:00             NIFTY         100
      09:25:00             NIFTY           0
      09:24:00             NIFTY         101
      2025-01-07T09:15:00  NIFTY         102`
    return recordedLake({ 0: [table(rows, instruments)] }, { instruments, lake: join(base, `recorded-${++copies}`) })
  }
  const epochs = (lake: string): string[] =>
    (readdirSync(join(lake, 'recorded'), { recursive: true }) as string[])
      .filter((name) => name.endsWith('.parquet'))
      .map((name) => `recorded/${name}`)
      .sort()

  it('are whole when the journal has it all, late rows and prices as they came', async () => {
    const lake = await recorded()
    expect(await verify(lake)).toMatchObject({ files: epochs(lake).length, rows: 4, faults: [] })
  })

  it.each<[string, (lake: string, file: string) => unknown, string[]]>([
    ['an epoch that is gone', (lake, file) => rmSync(join(lake, file)), ['missing file']],
    ['one that is another', (lake, file) => cpSync(join(lake, epochs(lake)[1]), join(lake, file)), ['size', 'rows', 'first time', 'last time']],
    [
      'one that no journal names',
      (lake, file) => cpSync(join(lake, file), join(lake, `${file.slice(0, -8)}9.parquet`)),
      ['file not in the manifest'],
    ],
    [
      'one of another day',
      (lake) => {
        const [meta] = readdirSync(join(lake, 'recorded/meta'))
        const path = join(lake, 'recorded/meta', meta)
        const [first] = epochs(lake)
        const moved = first.replace('date=2025-01-06', 'date=2025-01-05')
        cpSync(join(lake, first), join(lake, moved))
        rmSync(join(lake, first))
        writeFileSync(path, readFileSync(path, 'utf8').replace(first.slice('recorded/'.length), moved.slice('recorded/'.length)))
      },
      ['date'],
    ],
    [
      'a journal that cannot be read',
      (lake) => writeFileSync(join(lake, 'recorded/meta', readdirSync(join(lake, 'recorded/meta'))[0]), 'nothing\n'),
      ['manifest'],
    ],
  ])('%s', async (_, spoil, expected) => {
    const lake = await recorded()
    await spoil(lake, epochs(lake)[0])
    expect((await verify(lake)).faults.map((fault: Fault) => fault.what)).toEqual(expected)
  })
})

describe('tickloom verify', () => {
  it('ends with 0 for a whole lake and with 1 for another, in words and in JSON', async () => {
    expect(await runHere(['verify', '--lake', whole])).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing is wrong.') })
    const lake = copy()
    rmSync(join(lake, SPOT))
    const words = await runHere(['verify', '--lake', lake, '--workers', '1'])
    expect([words.code, words.stdout]).toEqual([1, expect.stringMatching(/part-0\.parquet .*missing file .*no such file[\s\S]*1 fault$/m)])
    const json = await runHere(['verify', '--lake', lake, '--json'])
    expect([json.code, JSON.parse(json.stdout)]).toMatchObject([1, { files: 4, faults: [{ file: SPOT, what: 'missing file' }] }])
    expect(existsSync(join(lake, SPOT))).toBe(false)
  })

  it('ends with 2 where there is no lake, or nothing in it', async () => {
    expect(await runHere(['verify', '--lake', mkdtempSync(join(base, 'empty-'))])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('LAKE_EMPTY'),
    })
    expect(await runHere(['verify', '--lake', join(base, 'nowhere')])).toMatchObject({ code: 2, stderr: expect.stringContaining('LAKE_MISSING') })
  })
})
