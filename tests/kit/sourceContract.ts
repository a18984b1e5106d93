import { expect, it } from 'vitest'
import type { Column, Schema } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { Position, Source } from '../../core/ports.ts'
import { type Row, toRows } from './table.ts'

/** A source over recorded input; every call of `source` opens a fresh one over the same input. */
export interface SourceBench {
  readonly schema: Schema
  readonly instruments: Instruments
  source(): Source
}

interface Read {
  readonly rows: Row[]
  readonly watermarks: number[]
  readonly position: Position | undefined
  readonly sizes: number[]
}

/** What every source owes. Call inside `describe`. */
export function sourceContract(make: () => Promise<SourceBench>): void {
  async function read(from: Position | undefined, deliveries = Infinity, rowsOfLast = Infinity): Promise<Read> {
    const bench = await make()
    const source = bench.source()
    const [{ name }] = await source.partitions()
    const rows: Row[] = []
    const [watermarks, sizes]: number[][] = [[], []]
    let position = from
    for await (const { batch, after } of source.open(name, from, new AbortController().signal)) {
      const taken = sizes.length + 1 >= deliveries ? Math.min(batch.n, rowsOfLast) : batch.n
      for (const column of Object.values(batch.col) as Column[]) expect(column.length).toBeGreaterThanOrEqual(batch.n)
      rows.push(...toRows({ ...batch, n: taken }, bench.schema, bench.instruments))
      watermarks.push(batch.watermark)
      sizes.push(batch.n)
      position = after(taken)
      if (sizes.length >= deliveries) break
    }
    await source.close()
    return { rows, watermarks, sizes, position: position === undefined ? undefined : JSON.parse(JSON.stringify(position)) }
  }

  it('gives the same rows twice, and as many as its partition says', async () => {
    const bench = await make()
    const [{ rows }] = await bench.source().partitions()
    const whole = await read(undefined)
    expect(await read(undefined)).toEqual(whole)
    expect(whole.rows.length).toBe(rows ?? whole.rows.length)
  })

  it('resumes after any delivery, and inside it, without repeating or skipping a row', async () => {
    const whole = await read(undefined)
    const step = Math.max(1, Math.floor(whole.sizes.length / 6))
    for (let k = 1; k <= whole.sizes.length; k += step) {
      for (const cut of new Set([whole.sizes[k - 1], Math.floor(whole.sizes[k - 1] / 2), 0])) {
        const head = await read(undefined, k, cut)
        const tail = await read(head.position)
        expect([...head.rows, ...tail.rows], `after ${cut} rows of delivery ${k}`).toEqual(whole.rows)
      }
    }
  })

  it('resumes a finished partition with no row', async () => {
    const whole = await read(undefined)
    const again = await read(whole.position)
    expect(again.rows).toEqual([])
    expect(again.watermarks.at(-1)).toBe(whole.watermarks.at(-1))
  })

  it('never moves the watermark back, and ends with one past every row', async () => {
    const { rows, watermarks } = await read(undefined)
    expect(watermarks).toEqual([...watermarks].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)))
    if ('ts' in (rows[0] ?? {})) for (const row of rows) expect(watermarks.at(-1)).toBeGreaterThan(row['ts'] as number)
  })

  it('ends with an error when aborted, before the first delivery or after it', async () => {
    for (const after of [0, 1]) {
      const source = (await make()).source()
      const [{ name }] = await source.partitions()
      const abort = new AbortController()
      if (after === 0) abort.abort()
      const drain = async (): Promise<void> => {
        for await (const _ of source.open(name, undefined, abort.signal)) abort.abort()
      }
      await expect(drain()).rejects.toThrow()
      await source.close()
    }
  })
}
