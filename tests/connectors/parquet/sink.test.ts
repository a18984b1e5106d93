import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ownTemporary } from '../../../connectors/parquet/atomic.ts'
import { duckRows } from '../../../connectors/parquet/duck.ts'
import { outputFiles, partitionsOf } from '../../../connectors/parquet/outputManifest.ts'
import { parquetDestination } from '../../../connectors/parquet/sink.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Trade } from '../../../core/market.ts'
import type { Sink, SinkTask } from '../../../core/ports.ts'
import { type StoredRow, sinkContract } from '../../kit/sinkContract.ts'
import { rowsOf, toBatch } from '../../kit/table.ts'
import { folder } from './fixtures.ts'

describe('Parquet, as every sink', () => {
  sinkContract(async () => {
    const dir = folder()
    return {
      destination: () => parquetDestination({ dir, run: 'r1' }),
      async read(output, schema) {
        if (!existsSync(join(dir, output)) || !readdirSync(join(dir, output), { recursive: true }).some((f) => String(f).endsWith('.parquet')))
          return []
        const columns = Object.entries(schema).map(([name, kind]) => {
          if (kind === 'time') return `epoch_us("${name}")::DOUBLE AS "${name}"`
          return kind === 'bool'
            ? `"${name}"::INTEGER AS "${name}"`
            : kind === 'f64'
              ? `coalesce("${name}", 'nan'::DOUBLE) AS "${name}"`
              : `"${name}"`
        })
        return duckRows<StoredRow>(`SELECT ${columns.join(', ')} FROM read_parquet('${dir}/${output}/**/*.parquet', hive_partitioning = false)`)
      },
      dispose: async () => rmSync(dir, { recursive: true, force: true }),
    }
  })
})

const instruments = new Instruments()
const task: SinkTask = { topology: 't', run: 'r', partition: '2025-01-06', outputs: { trades: Trade }, instruments, committed: undefined }
const batch = toBatch(Trade, rowsOf(Trade, 'ts price\n09:15:00 1\n2025-01-07T09:15:00 2\n09:15:02 3'), instruments)

describe('Parquet files', () => {
  it('lie by date, in the order written, and nothing temporary is left', async () => {
    const dir = folder()
    const sink = await parquetDestination({ dir }).open(task)
    sink.write('trades', batch)
    await sink.flush(7)
    expect((readdirSync(dir, { recursive: true }) as string[]).filter((f) => /\.(parquet|jsonl|tmp)$/.test(f)).sort()).toEqual([
      'meta/2025-01-06.jsonl',
      'trades/date=2025-01-06/2025-01-06-7.parquet',
      'trades/date=2025-01-07/2025-01-06-7.parquet',
    ])
    expect(await duckRows(`SELECT price FROM '${dir}/trades/date=2025-01-06/*.parquet'`)).toEqual([{ price: 1 }, { price: 3 }])
  })

  it('hold rows whose time is none too, beside the days', async () => {
    for (const [times, paths] of [
      [[NaN], ['trades/p-1.parquet']],
      [
        [1.7e15, NaN, Infinity, 1.7e15],
        ['trades/date=2023-11-15/p-1.parquet', 'trades/p-1.parquet'],
      ],
    ] as const) {
      const dir = folder()
      const sink = await parquetDestination({ dir }).open({ ...task, partition: 'p' })
      const ids = Int32Array.from(times, () => instruments.id('NIFTY'))
      const numbers = Float64Array.from(times, (_, i) => i)
      sink.write('trades', { n: times.length, watermark: 0, col: { ts: Float64Array.from(times), instrument: ids, price: numbers, volume: numbers } })
      expect((await sink.flush(1)).rows).toBe(times.length)
      expect(outputFiles(dir, 'p').map(({ path }) => path)).toEqual(paths)
      const rows = await duckRows<{ price: number }>(`SELECT price, ts IS NULL AS none FROM '${dir}/trades/**/*.parquet' ORDER BY price`)
      expect(rows).toEqual(times.map((t, i) => ({ price: i, none: !Number.isFinite(t) })))
    }
  })

  it('that a crash left behind are gone after open; those of other partitions stay', async () => {
    const dir = folder()
    const sink = await parquetDestination({ dir }).open(task)
    for (const epoch of [1, 2]) {
      sink.write('trades', batch)
      await sink.flush(epoch)
    }
    const day = join(dir, 'trades/date=2025-01-06')
    for (const name of ['2025-01-06-3.parquet', '2025-01-06-3.parquet.host-7.tmp', '2025-01-06-x-3.parquet']) writeFileSync(join(day, name), 'x')
    await parquetDestination({ dir }).open({ ...task, committed: 1 })
    expect(readdirSync(day).sort()).toEqual(['2025-01-06-1.parquet', '2025-01-06-x-3.parquet'])
  })

  it('cannot go below a file: said before any work', async () => {
    const file = join(folder(), 'file')
    writeFileSync(file, '')
    await expect(parquetDestination({ dir: join(file, 'out') }).open(task)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
  })

  it('fill a disk: DISK_FULL names the file', async () => {
    const dir = folder()
    const sink = await parquetDestination({ dir }).open(task)
    const { symlinkSync, mkdirSync } = await import('node:fs')
    mkdirSync(join(dir, 'trades/date=2025-01-06'), { recursive: true })
    const temporary = ownTemporary(join(dir, 'trades/date=2025-01-06/2025-01-06-1.parquet'))
    symlinkSync(
      '/dev/full',
      temporary.replace(/\d+(?=\.tmp$)/, (n) => `${Number(n) + 1}`),
    )
    sink.write('trades', batch)
    await expect(sink.flush(1)).rejects.toMatchObject({ code: 'DISK_FULL', message: expect.stringContaining('2025-01-06-1.parquet') })
  })
})

describe("a partition's manifest", () => {
  const flush = async (dir: string, committed: number | undefined, epochs: readonly number[]) => {
    const sink = await parquetDestination({ dir }).open({ ...task, committed })
    for (const epoch of epochs) {
      sink.write('trades', batch)
      await sink.flush(epoch)
    }
    return sink
  }
  const epochsNamed = (dir: string) => [...new Set(outputFiles(dir, '2025-01-06').map(({ epoch }) => epoch))]
  const journal = (dir: string) => join(dir, 'meta/2025-01-06.jsonl')

  it('gets one line an epoch that has rows, and is not rewritten for it', async () => {
    const dir = folder()
    const sink = await flush(dir, undefined, [1, 2])
    const before = readFileSync(journal(dir), 'utf8')
    await sink.flush(3)
    expect(readFileSync(journal(dir), 'utf8')).toBe(before)
    sink.write('trades', batch)
    await sink.flush(4)
    expect(readFileSync(journal(dir), 'utf8').startsWith(before)).toBe(true)
    expect([before.split('\n').length - 1, epochsNamed(dir), partitionsOf(dir)]).toEqual([2, [1, 2, 4], ['2025-01-06']])
  })

  it('passes over a last line that a crash tore, and loses no line added after it', async () => {
    const dir = folder()
    const sink = await flush(dir, undefined, [1])
    appendFileSync(journal(dir), '{"run":"r","epoch":2,"fi')
    expect(epochsNamed(dir)).toEqual([1])
    sink.write('trades', batch)
    await sink.flush(3)
    expect(epochsNamed(dir)).toEqual([1, 3])
    appendFileSync(journal(dir), 'x'.repeat(10_000))
    await flush(dir, 3, [4])
    expect(epochsNamed(dir)).toEqual([1, 3, 4])
  })

  it('that holds a spoilt line is refused, naming it, before a file is deleted', async () => {
    const dir = folder()
    await flush(dir, undefined, [1])
    appendFileSync(journal(dir), 'spoilt\n')
    const files = readdirSync(dir, { recursive: true })
    await expect(flush(dir, 1, [])).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT', message: expect.stringContaining('line 2') })
    expect(readdirSync(dir, { recursive: true })).toEqual(files)
  })

  it('names every file when two owners flush the same epochs, one of them deposed and unaware of it', async () => {
    const [dir, alone] = [folder(), folder()]
    await flush(alone, undefined, [1, 2, 3, 4])
    const zombie = await flush(dir, undefined, [1, 2])
    const owner = await flush(dir, 1, [])
    for (const epoch of [2, 3, 4]) {
      for (const sink of epoch === 2 ? [owner] : [zombie, owner]) sink.write('trades', batch)
      await Promise.all(epoch === 2 ? [owner.flush(2)] : [zombie.flush(epoch), owner.flush(epoch)])
    }
    const parquet = (of: string) => (readdirSync(of, { recursive: true }) as string[]).filter((f) => /parquet/.test(f)).sort()
    expect(parquet(dir)).toEqual(parquet(alone))
    expect(outputFiles(dir, '2025-01-06')).toEqual(outputFiles(alone, '2025-01-06'))
    for (const file of parquet(dir)) expect(readFileSync(join(dir, file)).equals(readFileSync(join(alone, file)))).toBe(true)
  })

  it('a flush that failed is made again with the rows of its own epoch', async () => {
    const dir = folder()
    const sink = await parquetDestination({ dir }).open(task)
    sink.write('trades', batch)
    writeFileSync(join(dir, 'trades'), 'in the way')
    const flushed = sink.flush(1)
    sink.write('trades', batch)
    sink.write('trades', batch)
    await expect(flushed).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
    rmSync(join(dir, 'trades'))
    expect([(await sink.flush(1)).rows, (await sink.flush(2)).rows]).toEqual([3, 6])
  })

  it('of a live partition belong to an owner: one that lost it takes nothing from its successor, however late it comes', async () => {
    const dir = folder()
    const to = parquetDestination({ dir })
    const own = (claim: number, committed: number | undefined) => to.open({ ...task, partition: '0', claim, committed })
    const write = async (sink: Sink, epoch: number) => {
      sink.write('trades', toBatch(Trade, rowsOf(Trade, `ts price\n09:15:0${epoch} ${epoch}`), instruments))
      await sink.flush(epoch)
    }
    const named = () => outputFiles(dir, '0').map(({ path }) => path.slice(path.lastIndexOf('/') + 1))
    const there = () =>
      (readdirSync(dir, { recursive: true }) as string[])
        .filter((f) => f.endsWith('.parquet'))
        .map((f) => f.slice(f.lastIndexOf('/') + 1))
        .sort()
    const first = await own(1, undefined)
    for (const epoch of [1, 2]) await write(first, epoch)
    // The second is claimed and stands still before it opens; the third takes over after epoch 1, in other groups of epochs.
    const third = await own(3, 1)
    for (const epoch of [3, 4]) await write(third, epoch)
    await expect(own(2, 1)).rejects.toMatchObject({ code: 'FENCED' })
    // The first wakes up and goes on writing what it had.
    await write(first, 3)
    expect(named()).toEqual(['0-1+1.parquet', '0-3+3.parquet', '0-4+3.parquet'])
    expect(there()).toEqual(['0-1+1.parquet', '0-3+1.parquet', '0-3+3.parquet', '0-4+3.parquet'])
    await first.close()
    expect(there()).toEqual(named())
    await write(first, 4)
    await own(4, 4)
    expect([named(), there()]).toEqual([named(), named()])
    expect(named().length).toBe(3)
  })
})
