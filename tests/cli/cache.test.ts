import { rmSync, statSync, truncateSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeEmbeddedEngine } from '../../connectors/clickhouse/engine.ts'
import { filesOf } from '../connectors/parquet/cacheFixtures.ts'
import { folder } from '../connectors/parquet/fixtures.ts'
import { runHere } from '../kit/inProcess.ts'
import { marketLake } from '../kit/marketLake.ts'

afterAll(closeEmbeddedEngine)

interface Listed {
  readonly files: readonly { kind: string; path: string; lake?: string; day?: string; rows?: number; bytes: number; stale: boolean; why?: string }[]
  readonly bytes: number
}

let lake: string
let other: string
beforeAll(async () => {
  lake = await marketLake({ days: 2, strikes: 1, rate: 0.05 })
  other = await marketLake({ strikes: 1, rate: 0.05, seed: 8 })
}, 60_000)
afterAll(() => {
  for (const dir of [lake, other]) rmSync(dirname(dir), { recursive: true, force: true })
})

/** A cache with both kinds of two days of the lake, and ticks of the other's day. */
async function filled(): Promise<string> {
  const cache = folder()
  const fill = (topology: string, of: string, ...more: string[]) =>
    runHere(['replay', '--topology', topology, '--lake', of, '--cache', cache, '--quiet', ...more])
  await fill('seconds-burst', lake, '--param', 'seconds.lateness=2')
  await fill('volume-burst', lake)
  await fill('volume-burst', other, '--symbols', 'NIFTY')
  return cache
}

async function list(cache: string, ...flags: string[]): Promise<Listed> {
  const { code, stdout, stderr } = await runHere(['cache', 'list', '--json', '--cache', cache, ...flags])
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as Listed
}

const of = ({ files }: Listed): string[] => files.map(({ kind, lake: its, day }) => `${kind} ${its === lake ? 'lake' : 'other'} ${day}`)
const ALL = ['seconds lake 2025-01-06', 'seconds lake 2025-01-07', 'ticks lake 2025-01-06', 'ticks lake 2025-01-07', 'ticks other 2025-01-06']

describe('cache list', () => {
  it('names kind, lake, day, what was asked for, rows, bytes, last use, and that a replay may use them', async () => {
    const cache = await filled()
    const listed = await list(cache)
    expect(of(listed).sort()).toEqual(ALL)
    expect(listed.bytes).toBe(filesOf(cache).reduce((sum, path) => sum + statSync(path).size, 0))
    expect(listed.files.every(({ stale, rows }) => !stale && (rows ?? 0) > 0)).toBe(true)
    const { stdout } = await runHere(['cache', 'list', '--cache', cache])
    for (const part of [lake, other, '2025-01-07', 'ts instrument price volume, symbols NIFTY', 'age, lateness 2', '5 files, ', 'stale: 0, 0 B'])
      expect(stdout).toContain(part)
    expect(of(await list(cache, '--lake', other))).toEqual(['ticks other 2025-01-06'])
    expect(of(await list(cache, '--kind', 'seconds'))).toEqual(ALL.slice(0, 2))
  }, 60_000)

  it('says why no replay would use a file: a lake gone, a file changed, added or removed, the cache file cut off', async () => {
    const cache = await filled()
    const part = (date: string) => join(lake, 'ticks', `symbol=NIFTY/date=${date}`)
    const file = filesOf(part('2025-01-06')).find((path) => path.endsWith('.parquet')) as string
    utimesSync(file, new Date(), new Date())
    truncateSync((await list(cache, '--kind', 'ticks', '--lake', other)).files[0].path, 1_000)
    const stale = await list(cache, '--stale')
    expect(stale.files.map(({ kind, day, why }) => `${kind} ${day ?? 'unknown'}: ${why}`).sort()).toEqual([
      `seconds 2025-01-06: ${file} has changed`,
      `ticks 2025-01-06: ${file} has changed`,
      'ticks unknown: it is cut off, or of another version',
    ])
  }, 60_000)

  it('is empty where nothing was kept', async () => {
    expect((await runHere(['cache', 'list', '--cache', join(folder(), 'none')])).stdout).toBe('Nothing is kept.\n')
  })
})

describe('cache clear', () => {
  it.each([
    [['--all'], []],
    [['--kind', 'ticks'], ALL.slice(0, 2)],
    [['--lake', 'LAKE'], ALL.slice(4)],
    [['--lake', 'LAKE', '--kind', 'seconds'], ALL.slice(2)],
    [['--stale'], ALL],
  ])(
    '%j leaves %j',
    async (flags, left) => {
      const cache = await filled()
      const { code, stdout } = await runHere(['cache', 'clear', '--cache', cache, ...flags.map((flag) => (flag === 'LAKE' ? lake : flag))])
      expect([code, stdout]).toEqual([0, expect.stringMatching(new RegExp(`^${ALL.length - left.length} files? removed, .*\n$`))])
      expect(of(await list(cache)).sort()).toEqual(left)
    },
    60_000,
  )

  it.each([
    [['clear', '--cache', 'x'], 'say what is to be cleared: --all, or some of --lake, --kind and --stale'],
    [['clear', '--cache', 'x', '--all', '--stale'], '--all is for `clear`, without --lake, --kind and --stale'],
    [['list', '--cache', 'off'], 'there is no cache: name its folder with --cache or TICKLOOM_CACHE'],
  ])('%j is refused', async (args, message) => {
    const { code, stderr } = await runHere(['cache', ...args])
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
  })
})
