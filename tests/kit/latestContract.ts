import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Schema } from '../../core/batch.ts'
import { Instruments } from '../../core/instruments.ts'
import type { LatestOptions } from '../../core/latestRows.ts'
import { OptionQuote, optionQuoteColumns } from '../../core/optionQuote.ts'
import type { Destination, SinkTask } from '../../core/ports.ts'
import { SECOND } from '../../core/time.ts'
import { type Cell, type Row, rowsOf, toBatch } from './table.ts'

/** A row as a reader of the store sees it: times in microseconds, what is missing as null. */
export type LatestRow = Readonly<Record<string, number | string | boolean | null>>

/** One store under test. `destination()` may be called again for the same store: that is a process starting anew. */
export interface LatestBench {
  destination(options: LatestOptions): Destination
  /** Every row of a table, with the columns named, in the order of the first of them. */
  read(table: string, columns: readonly string[]): Promise<readonly LatestRow[]>
  dispose(): Promise<void>
}

const Mood = { ts: 'time', instrument: 'instrument', level: 'f64', lots: 'i32', open: 'bool', mood: 'calm|wild' } as const
const outputs = { quotes: OptionQuote, moods: Mood }
const options: LatestOptions = { tables: { quotes: 'option_quotes' }, columns: optionQuoteColumns }
const [CALL, PUT] = ['BTC-USDT:2026-03-27:70000.5:CE', 'BTC-USDT:2026-03-27:70000:PE']

/** Stores of the latest row an instrument, as tests. Call inside `describe`; `make` gives an empty store. */
export function latestContract(make: () => Promise<LatestBench>, { runs = 15 }: { readonly runs?: number } = {}): void {
  let bench: LatestBench
  beforeEach(async () => {
    bench = await make()
  })
  afterEach(() => bench.dispose())

  /** Writes and flushes the epochs in turn, in a process of its own. */
  async function life(
    epochs: readonly (readonly [epoch: number, output: keyof typeof outputs, ...batches: (readonly Row[])[]])[],
    over: Partial<SinkTask> = {},
  ) {
    const instruments = new Instruments()
    const to = bench.destination(options)
    const sink = await to.open({ topology: 'tracker', run: 'r1', partition: 'p1', outputs, instruments, committed: undefined, ...over })
    for (const [epoch, output, ...batches] of epochs) {
      for (const rows of batches) sink.write(output, toBatch(outputs[output] as Schema, rows, instruments))
      await sink.flush(epoch)
    }
    await sink.close()
    await to.close()
  }
  const moods = (text: string) => rowsOf(Mood, `ts instrument level lots open mood\n${text}`)
  const levels = async () => (await bench.read('moods', ['symbol', 'level'])).map(({ symbol, level }) => [symbol, level])

  it('keeps the newest row of every instrument, whole: words, numbers to the last bit, what is missing', async () => {
    await life([
      [
        1,
        'moods',
        moods(`09:15:00       NIFTY      1     1  0  calm
               09:15:01.5     NIFTY      0.1   -7 1  wild
               09:15:00       ${CALL}    -     2  0  calm`),
        moods('09:15:00.000001 BANKNIFTY -1.7976931348623157e308 2147483647 1 calm'),
      ],
    ])
    expect(await bench.read('moods', ['symbol', 'updated', 'level', 'lots', 'open', 'mood'])).toEqual([
      { symbol: 'BANKNIFTY', updated: 1736135100000001, level: -Number.MAX_VALUE, lots: 2147483647, open: true, mood: 'calm' },
      { symbol: CALL, updated: 1736135100000000, level: null, lots: 2, open: false, mood: 'calm' },
      { symbol: 'NIFTY', updated: 1736135101500000, level: 0.1, lots: -7, open: true, mood: 'wild' },
    ])
  })

  it('is the table of an options tracker: columns under its names, the contract beside them', async () => {
    const quote = rowsOf(
      OptionQuote,
      `ts       instrument price volume oi  bid ask mark  forward iv   delta gamma vega theta rho
       09:15:00 ${PUT}     410   7      50  400 -   405.5 69000   0.61 -0.5  1e-5  20   -33   -`,
    )
    await life([
      [
        1,
        'quotes',
        quote,
        rowsOf(
          OptionQuote,
          'ts instrument price volume oi bid ask mark forward iv delta gamma vega theta rho\n09:15:00 NIFTY 24000 0 0 - - - - - - - - - -',
        ),
      ],
    ])
    const columns = [
      'symbol',
      'underlying',
      'expiry',
      'strike',
      'type',
      'last',
      'bid',
      'ask',
      'mark',
      'iv',
      'delta',
      'gamma',
      'vega',
      'theta',
      'rho',
      'oi',
      'volume',
      'updated',
      'epoch',
    ]
    const [option, spot] = await bench.read('option_quotes', columns)
    expect(Object.values(option)).toEqual([
      PUT,
      'BTC-USDT',
      '2026-03-27',
      70000,
      'PE',
      410,
      400,
      null,
      405.5,
      0.61,
      -0.5,
      1e-5,
      20,
      -33,
      null,
      50,
      7,
      1736135100000000,
      1,
    ])
    expect([spot['underlying'], spot['expiry'], spot['strike'], spot['type']]).toEqual(['NIFTY', null, null, 'SPOT'])
  })

  it('never puts an older row over a newer one: not within a batch, not from batch to batch, not from epoch to epoch', async () => {
    await life([
      [1, 'moods', moods('09:15:05 NIFTY 5 0 0 calm\n09:15:03 NIFTY 3 0 0 calm'), moods('09:15:04 NIFTY 4 0 0 calm')],
      [2, 'moods', moods('09:15:02 NIFTY 2 0 0 calm\n09:15:07 BANKNIFTY 7 0 0 wild')],
      [3, 'moods', moods('09:15:06 BANKNIFTY 6 0 0 calm')],
    ])
    expect(await levels()).toEqual([
      ['BANKNIFTY', 7],
      ['NIFTY', 5],
    ])
  })

  it('of one time, the last to come is kept, and what an earlier epoch had does not come back', async () => {
    await life([
      [1, 'moods', moods('09:15:00 NIFTY 1 0 0 calm\n09:15:00 NIFTY 2 0 0 calm')],
      [2, 'moods', moods('09:15:00 NIFTY 3 0 0 calm')],
    ])
    expect(await levels()).toEqual([['NIFTY', 3]])
    await life([[1, 'moods', moods('09:15:00 NIFTY 1 0 0 calm\n09:15:00 NIFTY 2 0 0 calm')]])
    expect(await levels()).toEqual([['NIFTY', 3]])
  })

  it('changes nothing when epochs come again in a new process', async () => {
    const epochs = [1, 2, 3].map((e) => [e, 'moods', moods(`09:15:0${e} NIFTY ${e} 0 0 calm\n09:15:0${4 - e} BANKNIFTY ${e} 0 0 wild`)] as const)
    await life(epochs)
    const before = await bench.read('moods', ['symbol', 'updated', 'level', 'epoch'])
    await life(epochs.slice(1))
    expect(await bench.read('moods', ['symbol', 'updated', 'level', 'epoch'])).toEqual(before)
  })

  it('copies what it is lent; what is written while an epoch is flushed is of the next, and lost if that never comes', async () => {
    const instruments = new Instruments()
    const to = bench.destination(options)
    const sink = await to.open({ topology: 'tracker', run: 'r1', partition: 'p1', outputs, instruments, committed: undefined })
    const lent = toBatch(Mood, moods('09:15:00 NIFTY 1 0 0 calm'), instruments)
    sink.write('moods', lent)
    lent.col.level[0] = 99
    const flushed = sink.flush(1)
    sink.write('moods', toBatch(Mood, moods('09:15:01 NIFTY 2 0 0 calm\n09:15:01 BANKNIFTY 2 0 0 calm'), instruments))
    expect((await flushed).rows).toBe(1)
    expect(await levels()).toEqual([['NIFTY', 1]])
    expect((await sink.flush(2)).rows).toBe(2)
    expect((await sink.flush(3)).rows).toBe(0)
    sink.write('moods', toBatch(Mood, moods('09:15:09 NIFTY 9 0 0 calm'), instruments))
    await sink.close()
    await to.close()
    expect(await levels()).toEqual([
      ['BANKNIFTY', 2],
      ['NIFTY', 2],
    ])
  })

  it('takes two partitions at once', async () => {
    const to = bench.destination(options)
    const sinks = await Promise.all(
      ['NIFTY', 'BANKNIFTY'].map(async (name, i) => {
        const instruments = new Instruments()
        const sink = await to.open({ topology: 'tracker', run: 'r1', partition: `p${i}`, outputs, instruments, committed: undefined })
        sink.write('moods', toBatch(Mood, moods(`09:15:00 ${name} ${i} 0 0 calm`), instruments))
        return sink
      }),
    )
    await Promise.all(sinks.map((sink) => sink.flush(1)))
    await to.close()
    expect(await levels()).toEqual([
      ['BANKNIFTY', 1],
      ['NIFTY', 0],
    ])
  })

  it('passes over rows without a time', async () => {
    await life([
      [
        1,
        'moods',
        [
          ...moods('09:15:00 NIFTY 1 0 0 calm'),
          ...moods('09:15:00 NIFTY 2 0 0 calm\n09:15:00 BANKNIFTY 2 0 0 calm').map((row) => ({ ...row, ts: Number.NaN })),
        ],
      ],
    ])
    expect(await levels()).toEqual([['NIFTY', 1]])
  })

  it('forgets instruments that had nothing new for as long as it is told', async () => {
    const to = bench.destination({ ...options, forgetAfter: 10 * 365 * 86_400 })
    const instruments = new Instruments()
    const sink = await to.open({ topology: 'tracker', run: 'r1', partition: 'p1', outputs, instruments, committed: undefined })
    sink.write('moods', toBatch(Mood, moods('2005-01-03T09:15:00 NIFTY 1 0 0 calm\n09:15:00 BANKNIFTY 2 0 0 calm'), instruments))
    await sink.flush(1)
    sink.write('moods', toBatch(Mood, moods('09:15:01 BANKNIFTY 2 0 0 calm'), instruments))
    await sink.flush(2)
    await to.close()
    expect(await levels()).toEqual([['BANKNIFTY', 2]])
  })

  it('refuses a table with other columns, and outputs that have no instrument or no time', async () => {
    await life([])
    async function fault(output: string, schema: Schema): Promise<string> {
      const to = bench.destination(options)
      const task = { topology: 't', run: 'r', partition: 'p', outputs: { [output]: schema }, instruments: new Instruments(), committed: undefined }
      const code = await to.open(task).then(
        () => 'none',
        (thrown: { code: string }) => thrown.code,
      )
      await to.close()
      return code
    }
    expect(await fault('moods', { ...Mood, more: 'f64' })).toMatch(/_REJECTED$/)
    expect(await fault('moods', { ...Mood, level: 'i32' })).toMatch(/_REJECTED$/)
    expect(await fault('sums', { ts: 'time', level: 'f64' })).toBe('TOPOLOGY_INVALID')
    expect(await fault('levels', { instrument: 'instrument', level: 'f64' })).toBe('TOPOLOGY_INVALID')
  })

  it('holds the newest of all rows, however they are shuffled, cut into epochs and replayed', async () => {
    const names = ['NIFTY', 'BANKNIFTY', CALL, PUT]
    const row = fc.record({ at: fc.nat(5), name: fc.constantFrom(...names), level: fc.nat(1000), epoch: fc.integer({ min: 1, max: 4 }) })
    let round = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 30 }),
        fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 6 }),
        async (rows, order) => {
          // Every round has a day of its own, later than those before, so that the store need not be made anew.
          const day = ++round * 86_400 * SECOND
          const epochOf = (epoch: number) =>
            rows
              .filter((r) => r.epoch === epoch)
              .map((r) => ({ ...row0, ts: 1736135100000000 + day + r.at * SECOND, instrument: r.name, level: r.level }))
          await life([...order, 1, 2, 3, 4].map((epoch) => [round * 10 + epoch, 'moods', epochOf(epoch)] as const))
          const best = new Map<string, (typeof rows)[number]>()
          for (const r of [1, 2, 3, 4].flatMap((epoch) => rows.filter((one) => one.epoch === epoch))) {
            if (r.at >= (best.get(r.name)?.at ?? -1)) best.set(r.name, r)
          }
          const held = new Map((await levels()) as [string, number][])
          for (const [name, { level }] of best) expect(held.get(name)).toBe(level)
        },
      ),
      { numRuns: runs },
    )
  })
}

const row0: Record<string, Cell> = { lots: 0, open: 0, mood: 'calm' }
