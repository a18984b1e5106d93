import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ReplaySummary } from '../../../cli/replayOptions.ts'
import { closeEmbeddedEngine } from '../../../connectors/clickhouse/engine.ts'
import { clearCache, listCache } from '../../../connectors/parquet/cacheList.ts'
import { parquetSource } from '../../../connectors/parquet/source.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Trade } from '../../../core/market.ts'
import type { Source } from '../../../core/ports.ts'
import { type Answer, answerOf, main, tickloom } from '../../kit/commandLine.ts'
import { runHere, type Said } from '../../kit/inProcess.ts'
import { marketLake } from '../../kit/marketLake.ts'
import { secondsOfLake } from '../../kit/secondsReplay.ts'
import { filesOf, PLENTY } from './cacheFixtures.ts'
import { folder } from './fixtures.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const DAYS = 2
let lake: string
beforeAll(async () => {
  lake = await marketLake({ days: DAYS, strikes: 3, rate: 0.4 })
}, 60_000)
afterAll(closeEmbeddedEngine)
afterAll(() => rmSync(dirname(lake), { recursive: true, force: true }))

/** Each kind of cache, and what fills it. */
const kinds = [
  ['ticks', 'volume-burst'],
  ['seconds', 'seconds-burst'],
] as const

const replayArgs = (topology: string, of: string, cache: string): string[] => [
  ...['replay', '--topology', topology, '--preset', 'j1', '--json', '--lake', of, '--cache', cache],
  ...['--param', 'rollingBurst.baseline=60', '--param', 'signal.floor=1'],
]

/** What a replay said; it must have ended well. */
function told({ code, stdout, stderr }: Said | Answer): { dropped: unknown; outputs: Record<string, number>; readSeconds: number; stderr: string } {
  if (code !== 0) throw new Error(stderr)
  const { dropped, outputs, readSeconds } = JSON.parse(stdout) as ReplaySummary
  return { dropped, outputs, readSeconds, stderr }
}

const uncached = new Map<string, Promise<{ dropped: unknown; outputs: unknown }>>()
/** Dropped rows and outputs of a replay without cache. */
function wholeAnswer(topology: string): Promise<{ dropped: unknown; outputs: unknown }> {
  const known = uncached.get(topology) ?? runHere(replayArgs(topology, lake, 'off')).then((answer) => pick(told(answer)))
  uncached.set(topology, known)
  return known
}
const pick = ({ dropped, outputs }: { dropped: unknown; outputs: unknown }) => ({ dropped, outputs })

/** Why the files kept are stale; `tree`: as a process sees it that runs from the sources there. */
async function stale(cache: string, tree?: string): Promise<(string | undefined)[]> {
  const args = ['cache', 'list', '--json', '--cache', cache]
  const answer = tree === undefined ? await runHere(args) : await answerOf(spawn(process.execPath, [join(tree, 'cli/main.ts'), ...args]))
  if (answer.code !== 0) throw new Error(answer.stderr)
  return (JSON.parse(answer.stdout) as { files: { why?: string }[] }).files.map(({ why }) => why)
}

const partOf = (of: string): string =>
  filesOf(join(of, 'ticks')).find((path) => path.includes('date=2025-01-06') && path.endsWith('.parquet')) as string

describe.each(kinds)('a cache of %s', (kind, topology) => {
  it('is not used for a file that another one of the same size and time took the place of', async () => {
    const [copy, cache] = [join(folder(), 'lake'), folder()]
    cpSync(lake, copy, { recursive: true, preserveTimestamps: true })
    const file = partOf(copy)
    const before = told(await runHere(replayArgs(topology, copy, cache)))
    const other = join(dirname(copy), 'other.parquet')
    const bytes = readFileSync(file)
    // Another date's file cannot be of its size, so this one is broken in place: whoever reads it notices.
    bytes.fill(0, 4, 5_000)
    writeFileSync(other, bytes)
    const { atime, mtime, size } = statSync(file)
    utimesSync(other, atime, mtime)
    renameSync(other, file)
    expect(statSync(file)).toMatchObject({ size, mtimeMs: mtime.getTime() })
    expect(await stale(cache)).toEqual([`${file} has changed`, undefined])
    const after = await runHere(replayArgs(topology, copy, cache))
    if (after.code === 0) expect(pick(told(after))).not.toEqual(pick(before))
    else expect(after.stderr).toContain('FILE_CORRUPT')
  }, 60_000)

  it('is not used by other code', async () => {
    const [tree, cache] = [folder(), folder()]
    const code = ['cli', 'connectors', 'core', 'markets', 'operators', 'runtime', 'topologies', 'index.ts', 'package.json']
    for (const name of code) cpSync(join(root, name), join(tree, name), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
    const copied = (args: readonly string[]) => answerOf(spawn(process.execPath, [join(tree, 'cli/main.ts'), ...args]))
    const whole = pick(told(await copied(replayArgs(topology, lake, cache))))
    expect(await stale(cache, tree)).toEqual([undefined, undefined])
    const edit = (path: string): void => writeFileSync(join(tree, path), `${readFileSync(join(tree, path), 'utf8')}// edited\n`)
    const old = 'made by another version of the code'

    edit('operators/perSecond.ts')
    expect(await stale(cache, tree)).toEqual(kind === 'seconds' ? [old, old] : [undefined, undefined])
    edit('connectors/parquet/merge.ts')
    expect(await stale(cache, tree)).toEqual([old, old])
    expect(pick(told(await copied(replayArgs(topology, lake, cache))))).toEqual(whole)
    expect((await stale(cache, tree)).sort()).toEqual([old, old, undefined, undefined])
  }, 60_000)

  it('that a killed process left half-written is not used, and goes in the end', async () => {
    const { cache, half } = await killedHalfway(topology)
    const { stderr, ...answer } = told(await runHere(replayArgs(topology, lake, cache)))
    expect([pick(answer), stderr]).toEqual([await wholeAnswer(topology), ''])
    expect(filesOf(cache)).toHaveLength(DAYS + 1)
    expect(await stale(cache)).toEqual([undefined, undefined, undefined])
    utimesSync(half, new Date('2020-01-01'), new Date('2020-01-01'))
    expect((await stale(cache)).filter((why) => why !== undefined)).toEqual(['half-written: whoever wrote it has stopped'])
    await runHere(['cache', 'clear', '--stale', '--cache', cache])
    expect(filesOf(cache)).toHaveLength(DAYS)
  }, 60_000)

  it('that two processes fill at once is whole', async () => {
    const cache = folder()
    const both = await Promise.all([1, 2].map(() => tickloom(replayArgs(topology, lake, cache))))
    for (const answer of both) expect(pick(told(answer))).toEqual(await wholeAnswer(topology))
    expect(await stale(cache)).toEqual(Array(DAYS).fill(undefined))
    expect(pick(told(await runHere(replayArgs(topology, lake, cache))))).toEqual(await wholeAnswer(topology))
  }, 60_000)

  it('on a full disk is given up, which is said once and costs no row', async () => {
    const cache = folder()
    // No file may be longer than 1 MB: a write past it fails as one on a full disk does.
    const limited = spawn('bash', ['-c', 'ulimit -f 1024; exec "$@"', 'bash', process.execPath, main, ...replayArgs(topology, lake, cache)])
    const { stderr, ...answer } = told(await answerOf(limited))
    expect(pick(answer)).toEqual(await wholeAnswer(topology))
    expect(stderr).toMatch(/^tickloom: the cache is not written: EFBIG.*\n$/)
    expect(filesOf(cache)).toEqual([])
  }, 60_000)

  it.skipIf(!mayMount())(
    'on a disk that is full is given up, which is said once and costs no row',
    async () => {
      const disk = folder()
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk])
      try {
        const { stderr, ...answer } = told(await runHere(replayArgs(topology, lake, disk)))
        expect(pick(answer)).toEqual(await wholeAnswer(topology))
        expect(stderr).toMatch(/^tickloom: the cache is not written: ENOSPC.*\n$/)
        expect(filesOf(disk)).toEqual([])
      } finally {
        execFileSync('umount', [disk])
      }
    },
    60_000,
  )

  it('cleared while somebody reads it, or fills it, costs him no row', async () => {
    const cache = folder()
    const whole = await rowsRead(kind)
    const clear = async () => clearCache(await listCache(cache, () => ''))
    const stderr = await saidOnStderr(async () => {
      // Filling, then from the cache that the next one filled.
      expect(await rowsRead(kind, cache, clear)).toBe(whole)
      expect(await rowsRead(kind, cache)).toBe(whole)
      expect(filesOf(cache)).toHaveLength(1)
      expect(await rowsRead(kind, cache, clear)).toBe(whole)
      expect(filesOf(cache)).toEqual([])
    })
    expect(stderr).toMatch(/^tickloom: the cache is not written: ENOENT.*\n$/)
  }, 60_000)
})

it('seconds are not used for another lateness', async () => {
  const cache = folder()
  const withLateness = async (lateness: number) =>
    told(await runHere([...replayArgs('seconds-burst', lake, cache), '--param', `seconds.lateness=${lateness}`]))
  for (const lateness of [0, 2, 0, 2]) await withLateness(lateness)
  expect(filesOf(cache)).toHaveLength(2 * DAYS)
}, 60_000)

/** A digest of every row that the first day gives; after the first delivery `meanwhile` is done. */
async function rowsRead(kind: 'ticks' | 'seconds', cache?: string, meanwhile?: () => Promise<void>): Promise<string> {
  const instruments = new Instruments()
  const options = cache === undefined ? undefined : { dir: cache, bytes: PLENTY }
  const warn = (message: string): void => void process.stderr.write(`tickloom: ${message}\n`)
  const source: Source =
    kind === 'ticks'
      ? (parquetSource({ lake, columns: Trade, instruments, cache: options, warn }) as unknown as Source)
      : await secondsOfLake(lake, { seconds: { lateness: 0 } }, instruments, cache)
  const rows = createHash('sha256')
  let deliveries = 0
  for await (const { batch } of source.open('2025-01-06', undefined, new AbortController().signal)) {
    const columns = Object.entries(batch.col).sort(([a], [b]) => (a < b ? -1 : 1))
    for (let i = 0; i < batch.n; i++)
      rows.update(columns.map(([name, column]) => (name === 'instrument' ? instruments.name(column[i]) : column[i])).join(' '))
    if (++deliveries === 1) await meanwhile?.()
  }
  await source.close()
  return rows.digest('hex')
}

/** A cache that a process filled until it was killed in the middle of its first file, and that file. One that is looked at too late is let go for another. */
async function killedHalfway(topology: string): Promise<{ cache: string; half: string }> {
  for (let tries = 0; tries < 10; tries++) {
    const cache = folder()
    const child = spawn(process.execPath, [main, ...replayArgs(topology, lake, cache)], { stdio: 'ignore' })
    let over = false
    const ended = once(child, 'exit').then(() => (over = true))
    while (!over && filesOf(cache).every((path) => !isHalf(path))) await sleep(1)
    child.kill('SIGKILL')
    await ended
    const [half, ...others] = filesOf(cache)
    if (half !== undefined && others.length === 0 && isHalf(half)) return { cache, half }
  }
  throw new Error('no process was met in the middle of its first file')
}

/** It is being written and has rows. */
const isHalf = (path: string): boolean => path.endsWith('.tmp') && (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 16

async function saidOnStderr(work: () => Promise<void>): Promise<string> {
  const write = process.stderr.write
  let said = ''
  process.stderr.write = ((chunk: unknown) => (said += String(chunk)) !== '') as typeof write
  try {
    await work()
  } finally {
    process.stderr.write = write
  }
  return said
}

function mayMount(): boolean {
  const disk = folder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'ignore' })
    execFileSync('umount', [disk])
    return true
  } catch {
    // Only root may, and not in every container.
    return false
  }
}
