import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { listed } from '../../../connectors/archives/sevenZip.ts'
import { input, ledgerRows, packedRows, packHere, scratch } from './packing.ts'
import { kiteCsv, kiteParquet, type Snapshot, tarOf, truedataCsv, zipOf } from './vendors.ts'

const program = (process.env['PATH'] ?? '')
  .split(':')
  .flatMap((folder) => ['7zz', '7z', '7za'].map((name) => join(folder, name)))
  .find((path) => runs(path))
if (program === undefined) console.warn('skipped: there is no 7-Zip (7zz, 7z or 7za) on the path')

function runs(path: string): boolean {
  try {
    execFileSync(path, ['i'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const DATE = '2024-01-04'
const rows: Snapshot[] = Array.from({ length: 40 }, (_, i) => ({ time: `09:15:${String(i).padStart(2, '0')}`, price: 100 + i / 20, volume: i * 75 }))
const call = (strike: number): string => `NIFTY:2024-01-04:${strike}:CE`

/** A 7z archive of files, as bytes. */
function sevenZipOf(files: Readonly<Record<string, string | Uint8Array>>, ...flags: string[]): Buffer {
  const folder = scratch()
  for (const [name, bytes] of Object.entries(files)) input(join(folder, 'in'), name, bytes)
  const path = join(folder, 'a.7z')
  execFileSync(program as string, ['a', '-bso0', '-bsp0', ...flags, path, '.'], { cwd: join(folder, 'in') })
  return execFileSync('cat', [path], { maxBuffer: 1 << 28 })
}

afterEach(() => void vi.unstubAllEnvs())

describe.skipIf(program === undefined)('7z', () => {
  const files = {
    'nifty2410421500ce.csv': kiteCsv(DATE, rows, 88),
    'of the day/nifty2410421600ce.csv': kiteCsv(DATE, rows, 88),
    'of the day/empty.csv': '',
    'NIFTY24010421700CE ü.txt': truedataCsv(DATE, rows),
  }

  test.each([
    ['solid', []],
    ['file by file', ['-ms=off']],
    ['stored', ['-mx=0']],
  ])('%s: every file, in folders, with blanks and letters of any language in its name', async (_, flags) => {
    const folder = scratch()
    await packHere(join(folder, 'lake'), [input(folder, 'of a day.7z', sevenZipOf(files, ...flags))])
    const ledger = (await ledgerRows(join(folder, 'lake'))).map(({ member, reason, rows: n }) => [member, reason, n])
    expect(ledger.sort()).toEqual([
      ['NIFTY24010421700CE ü.txt', 'unknown_contract', 40],
      ['nifty2410421500ce.csv', 'packed', 40],
      ['of the day/empty.csv', 'empty_file', 0],
      ['of the day/nifty2410421600ce.csv', 'packed', 40],
    ])
    const packed = await packedRows(join(folder, 'lake'))
    for (const strike of [21500, 21600])
      expect(packed.filter(({ instrument }) => instrument === call(strike)).map(({ price }) => price)).toEqual(rows.map(({ price }) => price))
  })

  test.each([
    ['a zip in it', async () => sevenZipOf({ 'b.zip': zipOf([{ name: 'nifty2410421500ce.csv', bytes: files['nifty2410421500ce.csv'] }]) })],
    ['a 7z in it', async () => sevenZipOf({ 'b.7z': sevenZipOf({ 'nifty2410421500ce.csv': files['nifty2410421500ce.csv'] }) })],
    ['Parquet in it', async () => sevenZipOf({ 'nifty2410421500ce.parquet': await kiteParquet(DATE, rows, 88) })],
    ['a gz in it', async () => sevenZipOf({ 'nifty2410421500ce.csv.gz': gzipSync(files['nifty2410421500ce.csv']) })],
    ['it in a zip', async () => zipOf([{ name: 'b.7z', bytes: sevenZipOf({ 'nifty2410421500ce.csv': files['nifty2410421500ce.csv'] }) }])],
    [
      'it in a tar.gz',
      async () => gzipSync(tarOf([{ name: 'b.7z', bytes: sevenZipOf({ 'nifty2410421500ce.csv': files['nifty2410421500ce.csv'] }) }])),
    ],
  ])('with %s', async (_, archive) => {
    const folder = scratch()
    const summary = await packHere(join(folder, 'lake'), [input(folder, 'a', await archive())])
    expect(summary).toMatchObject({ rows: 40, reasons: { packed: 40 }, damaged: {} })
    expect(readdirSync(join(folder, 'lake', 'meta'))).not.toContain('packing')
  })

  test('a file that is left half way does not shift the next one', async () => {
    const torn = gzipSync(kiteCsv(DATE, rows, 88))
    torn.fill(0xff, 30, 60)
    const archive = sevenZipOf({
      'a.csv.gz': Buffer.concat([torn, Buffer.alloc(1 << 20, 7)]),
      'nifty2410421500ce.csv': files['nifty2410421500ce.csv'],
    })
    const folder = scratch()
    await packHere(join(folder, 'lake'), [input(folder, 'a.7z', archive)])
    expect(await ledgerRows(join(folder, 'lake'))).toMatchObject([
      { member: 'a.csv', reason: 'corrupt_container' },
      { member: 'nifty2410421500ce.csv', reason: 'packed', rows: 40 },
    ])
  })

  test.each([
    ['cut off', 'truncated_container', /directory, which stands at the end, is missing/, (whole: Buffer) => whole.subarray(0, whole.length - 10)],
    ['cut off within its start', 'truncated_container', /directory/, (whole: Buffer) => whole.subarray(0, 20)],
    ['with a spoilt directory', 'corrupt_container', /a\.7z/, (whole: Buffer) => spoilt(whole, whole.length - 12)],
    ['with spoilt bytes', 'corrupt_container', /checksum is wrong|cannot be unpacked/, (whole: Buffer) => spoilt(whole, 60)],
    ['encrypted', 'unreadable_container', /is encrypted/, () => sevenZipOf(files, '-psecret')],
    ['encrypted, its names too', 'unreadable_container', /is encrypted/, () => sevenZipOf(files, '-psecret', '-mhe=on')],
  ])('%s: in the ledger as %s, no row of it in the lake', async (_, reason, text, change) => {
    const folder = scratch()
    await packHere(join(folder, 'lake'), [input(folder, 'a.7z', change(sevenZipOf({ 'nifty2410421500ce.csv': files['nifty2410421500ce.csv'] })))])
    const ledger = await ledgerRows(join(folder, 'lake'))
    expect(ledger.length).toBeGreaterThan(0)
    for (const row of ledger.filter((entry) => entry.reason !== 'empty_file'))
      expect(row).toMatchObject({ reason, text: expect.stringMatching(text) })
    expect(await packedRows(join(folder, 'lake'))).toEqual([])
  })

  test.each(['7z', '7zz', '7za'])('read by %s, whichever is installed', async (as) => {
    const folder = scratch()
    const archive = input(folder, 'a.7z', sevenZipOf(files))
    mkdirSync(join(folder, 'bin'))
    symlinkSync(program as string, join(folder, 'bin', as))
    vi.stubEnv('PATH', join(folder, 'bin'))
    expect(await packHere(join(folder, 'lake'), [archive])).toMatchObject({ reasons: { packed: 80 } })
  })

  test('without a program the ledger says what to install', async () => {
    const folder = scratch()
    const archive = input(folder, 'a.7z', sevenZipOf(files))
    vi.stubEnv('PATH', folder)
    expect(await packHere(join(folder, 'lake'), [archive])).toMatchObject({ rows: 0, damaged: { unreadable_container: 1 } })
    expect(await ledgerRows(join(folder, 'lake'))).toMatchObject([{ reason: 'unreadable_container', text: expect.stringContaining('install 7-Zip') }])
  })
})

function spoilt(bytes: Buffer, at: number): Buffer {
  bytes.fill(0x58, at, at + 4)
  return bytes
}

test('the listing of 7z: files with blanks and equals signs in their names, no folders, sizes and checksums', () => {
  const text = `Path = of the day
Size = 0
Attributes = D drwxr-xr-x
CRC = 
Encrypted = -

Path = of the day/a = b.csv
Size = 1288895
Packed Size = 59455
Attributes = A -rw-r--r--
CRC = B0182487
Encrypted = -
Block = 0

Path = empty.csv
Size = 
Folder = -
CRC = 
`
  for (const ending of ['\n', '\r\n'])
    expect(listed(text.replaceAll('\n', ending))).toEqual([
      { name: 'of the day/a = b.csv', size: 1288895, crc: 0xb0182487, encrypted: false },
      { name: 'empty.csv', size: 0, crc: undefined, encrypted: false },
    ])
})
