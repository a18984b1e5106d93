import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { duckRows } from '../../../connectors/parquet/duck.ts'
import { parquetDestination } from '../../../connectors/parquet/sink.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Trade } from '../../../core/market.ts'
import type { SinkTask } from '../../../core/ports.ts'
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
    expect((readdirSync(dir, { recursive: true }) as string[]).filter((f) => /\.(parquet|json|tmp)$/.test(f)).sort()).toEqual([
      'meta/2025-01-06.json',
      'trades/date=2025-01-06/2025-01-06-7.parquet',
      'trades/date=2025-01-07/2025-01-06-7.parquet',
    ])
    expect(await duckRows(`SELECT price FROM '${dir}/trades/date=2025-01-06/*.parquet'`)).toEqual([{ price: 1 }, { price: 3 }])
  })

  it('that a crash left behind are gone after open; those of other partitions stay', async () => {
    const dir = folder()
    const sink = await parquetDestination({ dir }).open(task)
    for (const epoch of [1, 2]) {
      sink.write('trades', batch)
      await sink.flush(epoch)
    }
    const day = join(dir, 'trades/date=2025-01-06')
    for (const name of ['2025-01-06-3.parquet', '2025-01-06-3.parquet.tmp', '2025-01-06-x-3.parquet']) writeFileSync(join(day, name), 'x')
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
    symlinkSync('/dev/full', join(dir, 'trades/date=2025-01-06/2025-01-06-1.parquet.tmp'))
    sink.write('trades', batch)
    await expect(sink.flush(1)).rejects.toMatchObject({ code: 'DISK_FULL', message: expect.stringContaining('2025-01-06-1.parquet') })
  })
})
