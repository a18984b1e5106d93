import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'
import { expect, it } from 'vitest'
import type { PackSummary } from '../../connectors/archives/packing.ts'
import { duckRows } from '../../connectors/parquet/duck.ts'
import { kiteCsv, type Snapshot } from '../connectors/archives/vendors.ts'
import { answerOf, main } from '../kit/commandLine.ts'

const DATES = ['2024-01-01', '2024-01-02', '2024-01-03', '2024-01-04']
const ROWS = 10_600
const CAP = 800e6

/** A contract's day; prices in steps of 0.05. */
function snapshots(seed: number): Snapshot[] {
  let state = seed * 2_654_435_761 + 1
  const random = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
  let [price, volume] = [2000 + Math.floor(2000 * random()), 0]
  return Array.from({ length: ROWS }, (_, i) => {
    price += Math.floor(random() * 5) - 2
    if (random() < 0.17) volume += 75 * (1 + Math.floor(random() * 10))
    const time = new Date((33_300 + Math.floor((i * 22_500) / ROWS)) * 1000).toISOString().slice(11, 19)
    return { time, price: price / 20, volume, oi: 100_000 + 75 * Math.floor(i / 85), bid: (price - 1) / 20, ask: (price + 1) / 20 }
  })
}

/**
 * A zip that unpacks to `bytes` of CSV, which never are in one place: members of one date and seed have the same content,
 * and so the same compressed bytes, under the names of other contracts.
 */
function bigZip(path: string, bytes: number): { csvBytes: number; members: number; sum: number } {
  const days = DATES.map((date) => [0, 1, 2].map((seed) => memberOf(date, seed)))
  const file = openSync(path, 'w')
  const directory: Buffer[] = []
  let [offset, csvBytes, members, sum] = [0, 0, 0, 0]
  while (csvBytes < bytes) {
    const contract = Math.floor(members / DATES.length)
    const { plain, packed, crc, price } = days[members % DATES.length][contract % 3]
    const name = Buffer.from(`${DATES[members % DATES.length]}/nifty24104${15_000 + 50 * (contract >> 1)}${contract % 2 ? 'pe' : 'ce'}.csv`)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(8, 4)
    common.writeUInt32LE(crc, 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(plain, 18)
    common.writeUInt16LE(name.length, 22)
    const central = Buffer.alloc(46)
    central.write('PK\x01\x02', 'latin1')
    central.writeUInt16LE(20, 4)
    common.copy(central, 6)
    central.writeUInt32LE(offset, 42)
    directory.push(central, name)
    offset += writeSync(file, Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, name, packed]))
    csvBytes += plain
    members++
    sum += price
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(members, 8)
  end.writeUInt16LE(members, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  writeSync(file, Buffer.concat([central, end]))
  closeSync(file)
  return { csvBytes, members, sum }
}

function memberOf(date: string, seed: number): { plain: number; packed: Buffer; crc: number; price: number } {
  const rows = snapshots(seed + 10 * DATES.indexOf(date))
  const csv = Buffer.from(kiteCsv(date, rows, 90))
  return { plain: csv.length, packed: deflateRawSync(csv), crc: crc32(csv), price: rows.reduce((sum, { price }) => sum + Math.round(price * 20), 0) }
}

/** Resident bytes of the process and all below it together, shared pages counted once for each of them: never too little. */
function residentOf(root: number): number {
  const parents = new Map<number, { parent: number; resident: number }>()
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      parents.set(Number(name), { parent: Number(fields[1]), resident: Number(fields[21]) * 4096 })
    } catch (cause) {
      // It ended while the list was gone through.
      if (!['ENOENT', 'ESRCH'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw cause
    }
  }
  const isBelow = (pid: number): boolean => pid === root || (pid > 1 && isBelow(parents.get(pid)?.parent ?? 0))
  return [...parents].reduce((sum, [pid, { resident }]) => sum + (isBelow(pid) ? resident : 0), 0)
}

function peakWhile(child: ChildProcess): () => number {
  let peak = 0
  const timer = setInterval(() => {
    peak = Math.max(peak, residentOf(child.pid as number))
  }, 50)
  return () => {
    clearInterval(timer)
    return peak
  }
}

it.skipIf(process.platform !== 'linux')(
  '5 GB of CSV in an archive are packed by two workers that hold, with their parent, less than 800 MB; no row is missing',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pack-storm-'))
    try {
      const zip = join(folder, 'kite.zip')
      const { csvBytes, members, sum } = bigZip(zip, 5e9)
      const lake = join(folder, 'lake')
      const started = performance.now()
      const child = spawn(process.execPath, [main, 'pack', zip, '--lake', lake, '--workers', '2', '--json'])
      const stop = peakWhile(child)
      const { code, stdout, stderr } = await answerOf(child)
      const peak = stop()
      expect(code, stderr).toBe(0)
      const seconds = (performance.now() - started) / 1000
      process.stderr.write(
        `${(csvBytes / 1e9).toFixed(2)} GB of CSV, ${((members * ROWS) / 1e6).toFixed(1)} M rows: ${seconds.toFixed(0)} s, ${(csvBytes / seconds / 1e6).toFixed(0)} MB/s, peak ${Math.round(peak / 1e6)} MB; load ${loadavg()[0].toFixed(1)}\n`,
      )
      const { rows, reasons, days } = JSON.parse(stdout) as PackSummary
      expect({ rows, reasons, days }).toEqual({ rows: members * ROWS, reasons: { packed: members * ROWS }, days: DATES })
      const [found] = await duckRows(
        `SELECT count(*)::INTEGER AS rows, sum(round(price * 20)::BIGINT)::DOUBLE AS sum, count(DISTINCT (instrument, date))::INTEGER AS members FROM read_parquet('${lake}/ticks/**/*.parquet')`,
      )
      expect(found).toEqual({ rows: members * ROWS, sum, members })
      expect(peak).toBeLessThan(CAP)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
  900_000,
)
