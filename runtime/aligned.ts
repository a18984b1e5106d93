import { Observable, Subscription, share } from 'rxjs'
import type { Batch, Schema } from '../core/batch.ts'
import type { RowBuffer } from '../core/rowBuffer.ts'
import type { Batches, Branches } from '../core/step.ts'
import type { Ports } from '../core/topology.ts'
import type { StateStore } from './state.ts'

/**
 * Several streams of one step brought abreast: rows wait until every stream's watermark has passed them.
 *
 * A stream's rows are copied as they come, because columns are lent. They are given out as views, and forgotten only
 * when the step's own readers are through, because what comes out may be columns that went in.
 */
export class Aligned<I extends Ports> {
  readonly #names: readonly (keyof I & string)[]
  readonly #waiting: Readonly<Record<string, RowBuffer<Schema>>>
  readonly #marks: Record<string, number>

  constructor(id: string, inputs: I, state: StateStore) {
    this.#names = Object.keys(inputs)
    this.#waiting = Object.fromEntries(this.#names.map((name) => [name, state.rows(`${id}/waiting ${name}`, { version: 1, schema: inputs[name] })]))
    const never = Object.fromEntries([...this.#names.map((name) => `of ${name}`), 'given'].map((mark) => [mark, -Infinity]))
    this.#marks = state.cells(`${id}/watermarks`, { version: 1, cells: never })
  }

  /** `give` is called with what the streams have up to their common watermark, and with how many rows that is. */
  join<R>(sources: Branches<I>, give: (batches: Batches<I>, rows: number) => R): Observable<R> {
    return new Observable<R>((subscriber) => {
      const all = new Subscription()
      let open = this.#names.length
      for (const name of this.#names) {
        const next = (batch: Batch<Schema>): void => {
          // A subscriber's own throw would be reported to nobody.
          try {
            this.#take(name, batch)
            this.#giveOut(give, subscriber)
          } catch (thrown) {
            subscriber.error(thrown)
          }
        }
        const complete = (): void => {
          open--
          if (open === 0) subscriber.complete()
        }
        all.add(sources[name].subscribe({ next: next as never, error: (thrown) => subscriber.error(thrown), complete }))
      }
      return all
    }).pipe(share())
  }

  #take(name: string, batch: Batch<Schema>): void {
    this.#waiting[name].append(batch)
    const mark = `of ${name}`
    if (batch.watermark > this.#marks[mark]) this.#marks[mark] = batch.watermark
  }

  #giveOut<R>(give: (batches: Batches<I>, rows: number) => R, to: { next(result: R): void }): void {
    let watermark = Infinity
    for (const name of this.#names) watermark = Math.min(watermark, this.#marks[`of ${name}`])
    if (!(watermark > this.#marks['given'])) return
    this.#marks['given'] = watermark
    const batches: Record<string, Batch<Schema>> = {}
    let rows = 0
    for (const name of this.#names) {
      const n = countBefore(this.#waiting[name], watermark)
      batches[name] = this.#waiting[name].first(n, watermark)
      rows += n
    }
    to.next(give(batches as Batches<I>, rows))
    for (const name of this.#names) this.#waiting[name].dropFirst(batches[name].n)
  }
}

/** How many of the first rows are of before `ts`. */
function countBefore({ n, col }: RowBuffer<Schema>, ts: number): number {
  const times = col['ts'] as Float64Array
  if (n === 0 || times[n - 1] < ts) return n
  let [low, high] = [0, n - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (times[middle] < ts) low = middle + 1
    else high = middle
  }
  return low
}
