import { setTimeout as sleep } from 'node:timers/promises'
import { map } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Batch, Schema } from '../../core/batch.ts'
import type { Delivery, Sink, Source } from '../../core/ports.ts'
import { topology } from '../../core/topology.ts'
import type { Checkpoint } from '../../runtime/checkpoint.ts'
import { Flow } from '../../runtime/flow.ts'
import { type PumpTask, pump } from '../../runtime/pump.ts'

const In = { ts: 'time' } as const
const Out = { ts: 'time', sum: 'f64' } as const

/** Adds up the times seen, and says the watermark as a row when it rises. */
const sums = topology({
  name: 'sums',
  version: 1,
  memory: 'everything',
  params: z.object({}),
  inputs: { ticks: In },
  outputs: { sums: Out },
  wire({ ticks }, at) {
    const step = at('sums')
    const cells = step.cells('all', { version: 1, cells: { sum: 0, watermark: -Infinity } })
    return {
      sums: ticks.pipe(
        step.map<typeof In, typeof Out>((batch) => {
          const rows = Array.from(batch.col.ts.subarray(0, batch.n), (ts) => [ts, (cells.sum += ts)])
          if (batch.watermark > cells.watermark) rows.push([-1, (cells.watermark = batch.watermark)])
          return {
            n: rows.length,
            watermark: batch.watermark,
            col: { ts: Float64Array.from(rows, (r) => r[0]), sum: Float64Array.from(rows, (r) => r[1]) },
          }
        }),
        map((batch) => batch),
      ),
    }
  },
})

/**
 * A number is a row's time, [12, 25] a row that came with the watermark 25, 'w20' a heartbeat; an error is thrown. A
 * position counts rows: watermarks that came with a row before it are not delivered again, heartbeats after it are.
 */
type Log = Iterable<number | readonly [number, number] | string | Error>

function source(log: Log, waiting?: (row: number) => number): Source {
  return {
    partitions: async () => [{ name: 'p' }],
    async *open(_, from = 0): AsyncIterable<Delivery<Schema>> {
      let row = 0
      for (const entry of log) {
        if (entry instanceof Error) throw entry
        const before = row
        const rows = typeof entry === 'string' ? [] : [typeof entry === 'number' ? entry : entry[0]]
        const watermark = typeof entry === 'string' ? Number(entry.slice(1)) : typeof entry === 'number' ? -Infinity : entry[1]
        row += rows.length
        if (rows.length > 0 ? row <= Number(from) : row < Number(from)) continue
        const batch: Batch<Schema> = { n: rows.length, watermark, col: { ts: Float64Array.from(rows) } }
        yield { batch, waiting: waiting?.(row), after: (count) => before + count }
      }
    },
    close: async () => {},
  }
}

/** What is durable, by epoch: the last flush of an epoch's name stands, as a renamed file would. */
class Disk {
  readonly epochs = new Map<number, string[]>()
  readonly checkpoints: Checkpoint[] = []
  get rows(): string[] {
    return [...this.epochs].flatMap(([epoch, rows]) => rows.map((row) => `${epoch}: ${row}`))
  }

  sink(broken: { write?: number; flush?: number } = {}): Sink {
    let rows: string[] = []
    return {
      write: (_, batch) => {
        for (let i = 0; i < batch.n; i++) {
          if (batch.col['ts'][i] === broken.write) throw new Error('cannot write')
          rows.push(`${batch.col['ts'][i]} ${batch.col['sum'][i]}`)
        }
      },
      flush: async (epoch) => {
        if (epoch === broken.flush) throw new Error('cannot flush')
        this.epochs.set(epoch, rows)
        rows = []
        return { rows: 0, bytes: 0 }
      },
      close: async () => {},
    }
  }

  run(
    log: Log,
    {
      resume,
      broken,
      signal = new AbortController().signal,
      onSave,
      with: special = {},
    }: {
      resume?: Checkpoint
      broken?: { write?: number; flush?: number }
      signal?: AbortSignal
      onSave?: (saved: number) => void
      with?: Partial<PumpTask>
    } = {},
  ) {
    const save = (c: Checkpoint) => {
      this.checkpoints.push(structuredClone(c))
      onSave?.(this.checkpoints.length)
    }
    return pump({
      topology: sums as never,
      params: {} as never,
      flow: new Flow(),
      source: source(log),
      partition: 'p',
      sinks: [this.sink(broken)],
      epochLength: 10,
      resume,
      save,
      signal,
      ...special,
    })
  }
}

const LOG: Log = [1, 4, 12, 'w25', 13, 14, [26, 31], 29, 'w35', 'w45', 39, [51, 60], 55, 59]

describe('pump', () => {
  it('writes each epoch under its number, and counts rows', async () => {
    const disk = new Disk()
    expect(await disk.run([1, 4, 12, 'w25', 13])).toMatchObject({ rowsIn: 4, rowsOut: { sums: 5 } })
    expect(disk.rows).toEqual(['0: 1 1', '0: 4 5', '1: 12 17', '2: -1 25', '2: 13 30'])
    expect(disk.checkpoints.map((c) => [c.epoch, c.done, c.rowsIn])).toEqual([
      [0, false, 2],
      [1, false, 3],
      [2, true, 4],
    ])
  })

  it('does not copy its state where nothing is kept, and tells of its epochs all the same', async () => {
    const flow = new Flow()
    flow.snapshot = () => {
      throw new Error('copied')
    }
    const [kept, disk, epochs] = [new Disk(), new Disk(), [] as number[]]
    await expect(kept.run(LOG, { with: { flow } })).rejects.toThrow('copied')
    await disk.run(LOG, {
      with: { flow: Object.assign(new Flow(), { snapshot: flow.snapshot }), save: undefined, onEpoch: ({ epoch }) => epochs.push(epoch) },
    })
    const whole = new Disk()
    await whole.run(LOG)
    expect([disk.rows, epochs]).toEqual([whole.rows, whole.checkpoints.map(({ epoch }) => epoch)])
  })

  it('stopped after any epoch and resumed gives the same rows under the same epochs, exactly once', async () => {
    const whole = new Disk()
    await whole.run(LOG)
    expect(whole.checkpoints.length).toBe(7)
    for (let stop = 1; stop < whole.checkpoints.length; stop++) {
      const disk = new Disk()
      const abort = new AbortController()
      await expect(
        disk.run(LOG, {
          signal: abort.signal,
          onSave: (n) => {
            if (n === stop) abort.abort()
          },
        }),
      ).rejects.toMatchObject({ code: 'INTERRUPTED' })
      const resume = disk.checkpoints.at(-1)
      if (resume?.done) continue
      await disk.run(LOG, { resume })
      expect(disk.rows, `stopped after ${stop}`).toEqual(whole.rows)
    }
  })

  it('gives way to timers, sockets and signals while its source never has it wait', async () => {
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(), 50)
    let drained = false
    function* ready(): Iterable<number> {
      for (const end = performance.now() + 20_000; performance.now() < end; ) yield 1
      drained = true
    }
    await expect(new Disk().run(ready(), { signal: abort.signal })).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(drained).toBe(false)
    clearTimeout(timer)
  })

  it('announces nothing behind a commit that failed: what comes next repeats that commit under its own name', async () => {
    const announced: number[] = []
    const announcements = { pending: undefined, announce: async (epoch: number) => void announced.push(epoch) }
    const slow = { ...new Disk().sink(), flush: () => sleep(50).then(() => Promise.reject(new Error('no answer'))) }
    const behind = { announcements, source: source([1, 12, 25, 35, 45], (row) => (row < 4 ? 5000 : 0)), sinks: [slow] }
    await expect(new Disk().run([], { with: behind })).rejects.toThrow('no answer')
    expect(announced).toEqual([])
  })

  it('has nothing to do when the partition was read to its end', async () => {
    const disk = new Disk()
    await disk.run([1, 12])
    const saved = disk.checkpoints.length
    await disk.run([new Error('must not be read')], { resume: disk.checkpoints.at(-1) })
    expect(disk.checkpoints.length).toBe(saved)
  })

  it('flushes rows that have no time too', async () => {
    const disk = new Disk()
    await disk.run([Number.NaN])
    expect(disk.rows).toEqual(['0: NaN NaN'])
    expect(disk.checkpoints.map((c) => [c.epoch, c.done])).toEqual([[0, true]])
  })

  it.each([
    ['a source', [1, 12, new Error('cannot read')], {}, 'cannot read'],
    ['a sink that cannot flush', [1, 12, 23], { flush: 1 }, 'cannot flush'],
    ['a sink that cannot write', [1, 12, 23], { write: 12 }, 'cannot write'],
  ] as const)('throws what %s throws, and saves nothing after it', async (_, log, broken, message) => {
    const disk = new Disk()
    await expect(disk.run(log, { broken })).rejects.toThrow(message)
    expect(disk.checkpoints.map((c) => c.epoch)).toEqual([0])
  })
})
