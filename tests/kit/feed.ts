import { Subject } from 'rxjs'
import type { Batch, Schema } from '../../core/batch.ts'
import { Flow } from '../../runtime/flow.ts'
import { type Drive, type Op, type Row, toBatch, toRows } from './table.ts'

/** A batch as a test writes it: rows, then how far time has come with them. */
export interface Delivered {
  readonly rows: readonly Row[]
  readonly watermark?: number
}

/** What came out of an operator fed batch by batch, and what it counted (by reason). */
export interface Fed {
  readonly rows: Row[]
  readonly counts: Record<string, number>
  readonly watermark: number
}

/** Like `drive`, for tests in which the watermark of every batch matters. `restart`: saved and rebuilt after that batch. */
export function feed<I extends Schema, O extends Schema>(
  op: Op<I, O>,
  { input, output }: Drive<I, O>,
  batches: readonly Delivered[],
  restart = -1,
): Fed {
  const rows: Row[] = []
  let watermark = -Infinity
  const start = () => {
    const flow = new Flow()
    const subject = new Subject<Batch<I>>()
    subject.pipe(op(flow.at('it'))).subscribe({
      next: (batch) => {
        rows.push(...toRows(batch, output, flow.instruments))
        watermark = batch.watermark
      },
      error: (thrown: unknown) => {
        throw thrown
      },
    })
    return { flow, subject }
  }
  let running = start()
  batches.forEach((batch, i) => {
    running.subject.next(toBatch(input, batch.rows, running.flow.instruments, batch.watermark))
    if (i !== restart) return
    const saved = structuredClone(running.flow.snapshot())
    running = start()
    running.flow.instruments.id('SEEN-FIRST-AFTER-THE-RESTART')
    running.flow.restore(saved)
  })
  const counts = Object.entries(running.flow.counts()).map(([key, count]) => [key.slice('it/'.length), count] as const)
  return { rows, counts: Object.fromEntries(counts), watermark }
}
