import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { byteSize, cacheOf } from '../../../cli/replayCache.ts'
import type { ReplayOptions } from '../../../cli/replayOptions.ts'
import { replay } from '../../../cli/replayRun.ts'
import { closeEmbeddedEngine } from '../../../connectors/clickhouse/engine.ts'
import { duckRows } from '../../../connectors/parquet/duck.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Quote } from '../../../core/market.ts'
import { HOUR, MINUTE } from '../../../core/time.ts'
import { benchLake } from '../../kit/benchLake.ts'
import { tickloom } from '../../kit/commandLine.ts'
import { marketLake } from '../../kit/marketLake.ts'
import { parquetFiles } from '../../kit/outputs.ts'
import { recordedLake } from '../../kit/recordedLake.ts'
import { at, toBatch } from '../../kit/table.ts'
import { filesOf, PLENTY, readDays } from './cacheFixtures.ts'
import { folder } from './fixtures.ts'

afterAll(closeEmbeddedEngine)

let lake: string
beforeAll(async () => {
  lake = await marketLake({ days: 3, strikes: 4, rate: 0.25 })
}, 120_000)
afterAll(() => rmSync(dirname(lake), { recursive: true, force: true }))

const replayOptions = (more: Partial<ReplayOptions>): ReplayOptions => ({
  topology: 'volume-burst',
  preset: 'j1',
  params: [],
  lake,
  workers: 1,
  resume: false,
  epoch: 20 * MINUTE,
  ...more,
})

describe.each(['volume-burst', 'seconds-burst'])('a replay of %s', (topology) => {
  const optionsOf = (more: Partial<ReplayOptions>): ReplayOptions => replayOptions({ topology, ...more })

  it('writes the same bytes uncached, filling the cache, and from it, in one process and in two', async () => {
    const cache = { dir: folder(), bytes: PLENTY }
    const whole = async (more: Partial<ReplayOptions>) => {
      const out = folder()
      await replay(optionsOf({ out, run: 'R', ...more }))
      return parquetFiles(out)
    }
    const uncached = await whole({})
    expect(Object.keys(uncached).length).toBeGreaterThan(20)
    expect(await whole({ cache, workers: 2 })).toEqual(uncached)
    expect(filesOf(cache.dir)).toHaveLength(3)
    expect(await whole({ cache })).toEqual(uncached)
    expect(await whole({ cache, workers: 2 })).toEqual(uncached)
  }, 120_000)

  it.each(['uncached', 'cached'])(
    'stopped %s goes on the other way',
    async (first) => {
      const cache = { dir: folder(), bytes: PLENTY }
      await replay(optionsOf({ cache }))
      const [undisturbed, out] = [folder(), folder()]
      await replay(optionsOf({ out: undisturbed, run: 'R' }))
      const way = (cached: boolean): Partial<ReplayOptions> => ({ out, run: 'R', cache: cached ? cache : undefined })
      const stop = new AbortController()
      let epochs = 0
      const onEpoch = (): void => {
        if (++epochs === 7) stop.abort()
      }
      await expect(replay(optionsOf(way(first === 'cached')), { signal: stop.signal, onEpoch })).rejects.toMatchObject({ code: 'INTERRUPTED' })
      const { resumed } = await replay(optionsOf({ ...way(first !== 'cached'), resume: true }))
      expect(resumed).toHaveProperty('2025-01-06')
      expect(parquetFiles(out)).toEqual(parquetFiles(undisturbed))
    },
    120_000,
  )

  it('out of the cache loads no engine', async () => {
    const cache = { dir: folder(), bytes: PLENTY }
    const run = new URL('../../../cli/replayRun.ts', import.meta.url)
    const engines = (): string[] => {
      const script = `const { replay } = await import(${JSON.stringify(run.href)})
        await replay(${JSON.stringify(optionsOf({ cache, epoch: HOUR }))})
        console.log(JSON.stringify(process.report.getReport().sharedObjects.filter((path) => /duckdb|chdb/.test(path))))`
      return JSON.parse(
        execFileSync(process.execPath, ['--input-type=module', '-e', script], {
          cwd: fileURLToPath(new URL('../../..', import.meta.url)),
        }).toString(),
      )
    }
    expect(engines()).not.toEqual([])
    expect(engines()).toEqual([])
  }, 60_000)
})

describe('--cache', () => {
  it('fills the folder named, and says on stderr what it cannot use', async () => {
    const dir = join(folder(), 'new', 'cache')
    const args = ['replay', '--topology', 'volume-burst', '--lake', lake, '--json', '--cache', dir]
    const first = await tickloom(args)
    const second = await tickloom(args)
    expect([first.code, second.code, first.stderr, second.stderr]).toEqual([0, 0, '', ''])
    expect(JSON.parse(second.stdout).outputs).toEqual(JSON.parse(first.stdout).outputs)
    expect(filesOf(dir)).toHaveLength(3)
    const third = await tickloom([...args.slice(0, -1), lake.concat('/meta/packed_manifest.csv/x')])
    expect(third.code).toBe(0)
    expect(third.stderr).toMatch(/^tickloom: the cache is not written: .*\n$/)
  }, 60_000)

  it.each([
    ['dir', {}, 'dir'],
    [undefined, { TICKLOOM_CACHE: 'other' }, 'other'],
    ['dir', { TICKLOOM_CACHE: 'other' }, 'dir'],
    ['off', { TICKLOOM_CACHE: 'other' }, undefined],
    [undefined, { TICKLOOM_CACHE: 'off' }, undefined],
    [undefined, {}, undefined],
  ])('%s with the environment %o is %s', (flag, environment, folder) => {
    expect(cacheOf(flag, 1, environment)?.dir).toEqual(folder && join(process.cwd(), folder))
  })

  it('reads sizes as people write them', () => {
    expect(['500MB', '20GB', '1.5TB'].map(byteSize)).toEqual([5e8, 2e10, 1.5e12])
    for (const wrong of ['20', '0GB', '20 GB', '-1GB', 'GB']) expect(() => byteSize(wrong)).toThrow('It is a size such as 500MB or 20GB.')
  })
})

const market = benchLake(1)
if (market === undefined) console.warn('skipped: without a python3 that has venv and pip there is no benchmark market to replay')

describe.skipIf(market === undefined)('J1 on one day of 120 contracts, filling the cache and from it', () => {
  it.each(Object.entries(market ?? {}))(
    "gives the peers' four answers from the %s layout",
    async (_, lake) => {
      const cache = { dir: folder(), bytes: PLENTY }
      for (let time = 1; time <= 2; time++) {
        const out = folder()
        await replay(replayOptions({ lake, out, outputs: ['signals'], epoch: HOUR, cache }))
        const [answers] = await duckRows<object>(`SELECT count(*)::DOUBLE AS n, sum(burst) AS burst, sum("second")::DOUBLE AS second,
          round(sum(close), 2) AS close FROM read_parquet('${out}/signals/**/*.parquet') WHERE instrument LIKE '%:CE' OR instrument LIKE '%:PE'`)
        expect(answers, `time ${time}`).toEqual({ n: 1935, burst: 10_702_500, second: 22_082_631, close: 902_323.9 })
      }
      expect(filesOf(cache.dir)).toHaveLength(1)
      rmSync(cache.dir, { recursive: true })
    },
    120_000,
  )
})

describe('a lake of recordings', () => {
  it('is read as without a cache, also where the other files of the lake were cached before it had any', async () => {
    const [lake, cache] = [await marketLake({ strikes: 1 }), folder()]
    await readDays({ lake, cache })
    const instruments = new Instruments()
    const tick = { ts: at('09:15:00'), instrument: 'NIFTY', price: 1, volume: 1 }
    await recordedLake({ 0: [toBatch(Quote, [tick], instruments, at('09:16:00'))] }, { instruments, lake })
    const uncached = await readDays({ lake })
    expect(Object.values(uncached.rows).map((rows) => rows.length)).toEqual([1])
    expect(await readDays({ lake, cache })).toEqual(uncached)
  }, 60_000)
})
