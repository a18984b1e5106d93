import { describe, expect, it, vi } from 'vitest'
import { TickloomError } from '../../core/errors.ts'
import { Instruments } from '../../core/instruments.ts'
import type { Destination, Flushed, Sink } from '../../core/ports.ts'
import { type SteadyOptions, steadily } from '../../runtime/steadySink.ts'
import { toBatch } from '../kit/table.ts'

const schema = { ts: 'time', instrument: 'instrument' } as const
const instruments = new Instruments()
const row = (second: number) => toBatch(schema, [{ ts: second, instrument: 'BTC' }], instruments)
const refused = () => new TickloomError('DATABASE_REFUSED', 'no answer')

/** A sink that keeps what it is given until a flush goes well, and answers flushes as `answers` says. */
class KeepingSink implements Sink {
  answers: (() => Promise<void> | void)[] = []
  readonly flushed: { readonly epoch: number; readonly rows: readonly number[] }[] = []
  readonly tried: number[] = []
  closed = false
  #open: number[] = []
  #sealed: { readonly epoch: number; readonly rows: readonly number[] } | undefined

  write(_: string, { col, n }: { readonly n: number; readonly col: { readonly [name: string]: ArrayLike<number> } }): void {
    for (let i = 0; i < n; i++) this.#open.push(col['ts'][i])
  }
  async flush(epoch: number): Promise<Flushed> {
    this.tried.push(epoch)
    if (this.#sealed !== undefined && this.#sealed.epoch !== epoch) throw new Error(`epoch ${epoch} before ${this.#sealed.epoch} is durable`)
    this.#sealed ??= { epoch, rows: this.#open.splice(0) }
    await this.answers.shift()?.()
    this.flushed.push(this.#sealed)
    const rows = this.#sealed.rows.length
    this.#sealed = undefined
    return { rows, bytes: 0 }
  }
  async close(): Promise<void> {
    this.closed = true
  }
}

async function opened(options: Partial<SteadyOptions> = {}) {
  const inner = new KeepingSink()
  const destination: Destination = { name: 'store', open: async () => inner, close: async () => {} }
  const steady = steadily(destination, { grace: 300, retry: { first: 10, last: 40 }, ...options })
  const sink = await steady.open({ topology: 't', run: 'r', partition: 'p', outputs: { quotes: schema }, instruments, committed: undefined })
  return { inner, steady, sink }
}

describe('a steady sink', () => {
  it('makes a flush that failed again under the same epoch, and flushes what came meanwhile as one', async () => {
    const failures: number[] = []
    const recovered = vi.fn()
    const { inner, steady, sink } = await opened({ onFailure: (_, retryIn) => failures.push(retryIn), onRecovery: recovered })
    const fails = () => {
      throw refused()
    }
    inner.answers = [fails, fails, fails]
    sink.write('quotes', row(1))
    expect(await sink.flush(1)).toEqual({ rows: 0, bytes: 0 })
    expect(steady.state().failing?.failure.code).toBe('DATABASE_REFUSED')
    for (const epoch of [2, 3, 4]) {
      sink.write('quotes', row(epoch))
      await sink.flush(epoch)
    }
    await vi.waitFor(() => expect(steady.state().flushes).toBe(2), { timeout: 20_000 })
    expect(inner.tried).toEqual([1, 1, 1, 1, 4])
    expect(inner.flushed.map(({ epoch, rows }) => [epoch, rows.length])).toEqual([
      [1, 1],
      [4, 3],
    ])
    expect(steady.state()).toMatchObject({ failing: undefined, failures: 3, rows: 4 })
    expect(recovered).toHaveBeenCalledOnce()
    // Growing, by half by chance, and never beyond the last.
    expect(failures[0]).toBeLessThanOrEqual(10)
    expect(failures[2]).toBeGreaterThanOrEqual(20)
    await sink.close()
    await steady.close()
    expect(inner.closed).toBe(true)
  })

  it('flushes one at a time, without holding anybody up', async () => {
    const { inner, steady, sink } = await opened()
    let answer = () => {}
    inner.answers = [() => new Promise<void>((resolve) => (answer = resolve))]
    sink.write('quotes', row(1))
    await sink.flush(1)
    sink.write('quotes', row(2))
    await sink.flush(2)
    await sink.flush(3)
    expect(inner.tried).toEqual([1])
    expect(steady.state().busySince).toBeTypeOf('number')
    answer()
    await steady.close()
    expect(inner.flushed.map(({ epoch }) => epoch)).toEqual([1, 3])
  })

  it('throws at the next flush, and at the end, what does not pass by itself', async () => {
    const { inner, steady, sink } = await opened()
    inner.answers = [
      () => {
        throw new TickloomError('DATABASE_REJECTED', 'other columns')
      },
    ]
    await sink.flush(1)
    await new Promise((resolve) => setImmediate(resolve))
    await expect(sink.flush(2)).rejects.toMatchObject({ code: 'DATABASE_REJECTED' })
    await expect(steady.close()).rejects.toMatchObject({ code: 'DATABASE_REJECTED' })
  })

  it('tries to the end of the grace when it closes, and then says what is in the way', async () => {
    const { inner, steady, sink } = await opened({ grace: 500 })
    inner.answers = Array(1000).fill(() => {
      throw refused()
    })
    sink.write('quotes', row(1))
    await sink.flush(1)
    const began = performance.now()
    await expect(steady.close()).rejects.toMatchObject({ code: 'DATABASE_REFUSED', message: 'no answer' })
    expect(performance.now() - began).toBeGreaterThanOrEqual(490)
    expect(inner.tried.length).toBeGreaterThan(2)

    const hung = await opened({ grace: 30 })
    hung.inner.answers = [() => new Promise<void>(() => {})]
    await hung.sink.flush(1)
    await expect(hung.steady.close()).rejects.toThrow('store did not answer in time')
  })
})
