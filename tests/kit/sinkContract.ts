import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Batch, type Column, type Schema, wordsOf } from '../../core/batch.ts'
import { Instruments } from '../../core/instruments.ts'
import { Second } from '../../core/market.ts'
import type { Destination, SinkTask } from '../../core/ports.ts'
import { contractRows } from './contractRows.ts'

/** A row as a reader of the sink's store sees it: instruments by name, time in microseconds, a missing f64 as NaN. */
export type StoredRow = Readonly<Record<string, number | string>>

/** One store under test. `destination()` may be called again for the same store: that is a process starting anew. */
export interface SinkBench {
  destination(): Destination
  /** Every row an output has, of every partition of the run, in any order. */
  read(output: string, schema: Schema): Promise<readonly StoredRow[]>
  dispose(): Promise<void>
}

const Fill = { ts: 'time', instrument: 'instrument', price: 'f64', lots: 'i32', closing: 'bool', reason: 'entry|stop|target' } as const
export const contractOutputs = { seconds: Second, fills: Fill } as const

function stored(batch: Batch<Schema>, schema: Schema, instruments: Instruments): StoredRow[] {
  const columns = Object.keys(schema)
  return Array.from({ length: batch.n }, (_, i) => Object.fromEntries(columns.map((c) => [c, cellAt(schema, c, batch.col[c][i], instruments)])))
}

function cellAt(schema: Schema, column: string, value: number, instruments: Instruments): number | string {
  if (schema[column] === 'instrument') return instruments.name(value)
  return schema[column].includes('|') ? wordsOf(schema[column])[value] : value
}

function sorted(rows: readonly StoredRow[], schema: Schema): string[] {
  return rows
    .map((row) =>
      Object.keys(schema)
        .map((c) => String(row[c]))
        .join('|'),
    )
    .sort()
}

/** The contract of core/ports.ts `Sink`, as tests. Call inside `describe`; `make` gives an empty store. */
export function sinkContract(make: () => Promise<SinkBench>): void {
  let bench: SinkBench
  const instruments = new Instruments()
  instruments.id('OTHER')
  const task = (over: Partial<SinkTask> = {}): SinkTask => ({
    topology: 'contract',
    run: 'r1',
    partition: 'p1',
    outputs: contractOutputs,
    instruments,
    committed: undefined,
    ...over,
  })
  const expected: Record<keyof typeof contractOutputs, StoredRow[]> = { seconds: [], fills: [] }

  function rowsOf(output: keyof typeof contractOutputs, n: number, seed: number, counted = true): Batch<Schema> {
    const batch = contractRows(contractOutputs[output], instruments, n, seed)
    if (counted) expected[output].push(...stored(batch, contractOutputs[output], instruments))
    return batch
  }
  async function holds(): Promise<void> {
    for (const [output, schema] of Object.entries(contractOutputs)) {
      expect(sorted(await bench.read(output, schema), schema)).toEqual(sorted(expected[output as keyof typeof contractOutputs], schema))
    }
  }

  beforeEach(async () => {
    bench = await make()
    expected.seconds = []
    expected.fills = []
  })
  afterEach(() => bench.dispose())

  it('keeps every row of every output, bit for bit, and says how many', async () => {
    const to = bench.destination()
    const sink = await to.open(task())
    sink.write('seconds', rowsOf('seconds', 500, 1))
    sink.write('fills', rowsOf('fills', 3, 1))
    sink.write('seconds', rowsOf('seconds', 7, 2))
    expect((await sink.flush(1)).rows).toBe(510)
    await sink.close()
    await holds()
    await to.close()
  })

  it('copies what it is lent', async () => {
    const to = bench.destination()
    const sink = await to.open(task())
    const lent = rowsOf('seconds', 20, 1)
    sink.write('seconds', lent)
    for (const column of Object.values(lent.col) as Column[]) column.fill(0)
    await sink.flush(1)
    await sink.close()
    await holds()
    await to.close()
  })

  it('takes an empty epoch, an empty batch and rows after them', async () => {
    const to = bench.destination()
    const sink = await to.open(task())
    expect((await sink.flush(1)).rows).toBe(0)
    sink.write('fills', contractRows(Fill, instruments, 0, 1))
    expect((await sink.flush(2)).rows).toBe(0)
    sink.write('fills', rowsOf('fills', 4, 3))
    await sink.flush(3)
    await sink.close()
    await holds()
    await to.close()
  })

  it('leaves nothing of what was written and never flushed', async () => {
    const to = bench.destination()
    const sink = await to.open(task())
    sink.write('seconds', rowsOf('seconds', 10, 1))
    await sink.flush(1)
    sink.write('seconds', rowsOf('seconds', 10, 2, false))
    await sink.close()
    await holds()
    await to.close()
  })

  it('changes nothing when an epoch after the checkpoint comes again in a new process', async () => {
    for (const [life, committed] of [undefined, 1].entries()) {
      const to = bench.destination()
      const sink = await to.open(task({ committed }))
      for (const epoch of life === 0 ? [1, 2] : [2, 3]) {
        const again = life === 1 && epoch === 2
        sink.write('seconds', rowsOf('seconds', 50, epoch, !again))
        sink.write('fills', rowsOf('fills', 5, epoch, !again))
        await sink.flush(epoch)
      }
      await sink.close()
      await to.close()
    }
    await holds()
  })

  it('counts what is written while an epoch is being flushed to the epoch after it', async () => {
    const to = bench.destination()
    const sink = await to.open(task())
    for (const epoch of [1, 2, 3, 4]) {
      sink.write('seconds', rowsOf('seconds', 100 * epoch, epoch))
      sink.write('fills', rowsOf('fills', epoch, epoch))
      const flushed = sink.flush(epoch)
      const lent = rowsOf('seconds', 30, 10 + epoch)
      sink.write('seconds', lent)
      for (const column of Object.values(lent.col) as Column[]) column.fill(0)
      expect((await flushed).rows).toBe(101 * epoch + (epoch > 1 ? 60 : 0))
      sink.write('seconds', rowsOf('seconds', 30, 20 + epoch))
    }
    expect((await sink.flush(5)).rows).toBe(60)
    await sink.close()
    await holds()
    await to.close()
  })

  it('keeps what was flushed apart from what was written meanwhile when the process dies before the next flush', async () => {
    for (const committed of [undefined, 1]) {
      const to = bench.destination()
      const sink = await to.open(task({ committed }))
      if (committed === undefined) {
        sink.write('seconds', rowsOf('seconds', 10, 1))
        const flushed = sink.flush(1)
        sink.write('seconds', rowsOf('seconds', 10, 2, false))
        await flushed
      } else {
        sink.write('seconds', rowsOf('seconds', 10, 2))
        await sink.flush(2)
      }
      await sink.close()
      await to.close()
    }
    await holds()
  })

  it('keeps partitions apart: the same epoch of two is two epochs', async () => {
    const to = bench.destination()
    for (const [i, partition] of ['p1', 'p2/x y'].entries()) {
      const sink = await to.open(task({ partition }))
      sink.write('seconds', rowsOf('seconds', 10, i + 1))
      await sink.flush(1)
      await sink.close()
    }
    await holds()
    await to.close()
  })
}
