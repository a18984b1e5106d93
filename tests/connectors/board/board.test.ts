import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Board, VERSION } from '../../../connectors/board/board.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Tick } from '../../../core/market.ts'
import type { Sink } from '../../../core/ports.ts'
import { rowsOf, toBatch } from '../../kit/table.ts'

const outputs = { quotes: Tick, alerts: { ts: 'time', instrument: 'instrument' } } as const
const taskOf = (instruments: Instruments) => ({ topology: 't', run: 'r', partition: 'p', outputs, instruments, committed: undefined })

async function opened(columns?: readonly string[]) {
  const instruments = new Instruments()
  const board = new Board({ output: 'quotes', columns })
  const sink: Sink = await board.open(taskOf(instruments))
  const write = (text: string) => sink.write('quotes', toBatch(Tick, rowsOf(Tick, `ts instrument price\n${text}`), instruments))
  /** Name and price of what is newer than a version. */
  const since = (version: number) => {
    const { n, col } = board.rows
    const rows = Array.from({ length: n }, (_, i) => i).filter((i) => col[VERSION][i] > version)
    return rows.map((i) => `${instruments.name(col['instrument'][i])} ${col['price'][i]}`).sort()
  }
  return { board, sink, write, since, instruments }
}

describe('the board', () => {
  it('tells what changed since a version, without an epoch having ended', async () => {
    const { board, write, since } = await opened()
    expect([board.mark(), since(0)]).toEqual([0, []])
    write('09:15:00 NIFTY 1\n09:15:00 BANKNIFTY 2\n09:15:01 NIFTY 3')
    const first = board.mark()
    expect([board.mark(), since(0), since(first)]).toEqual([first, ['BANKNIFTY 2', 'NIFTY 3'], []])
    write('09:15:02 BANKNIFTY 4')
    const second = board.mark()
    expect([second > first, since(first), since(second), board.written]).toEqual([true, ['BANKNIFTY 4'], [], 4])
  })

  it('passes over rows older than what is there, which are no change', async () => {
    const { board, write, since } = await opened()
    write('09:15:05 NIFTY 5')
    const before = board.mark()
    write('09:15:04 NIFTY 4\n- NIFTY 9')
    board.mark()
    expect([since(before), since(0)]).toEqual([[], ['NIFTY 5']])
  })

  it('keeps the columns named, copies what it is lent, and leaves other outputs alone', async () => {
    const { board, sink, since, instruments } = await opened(['price'])
    const lent = toBatch(Tick, rowsOf(Tick, 'ts instrument price bid\n09:15:00 NIFTY 1 2'), instruments)
    sink.write('quotes', lent)
    sink.write('alerts', toBatch(outputs.alerts, rowsOf(outputs.alerts, 'ts instrument\n09:15:09 NIFTY'), instruments))
    lent.col.price[0] = 99
    expect(Object.keys(board.rows.schema)).toEqual(['ts', 'instrument', 'price', VERSION])
    expect([since(0), board.newest]).toEqual([['NIFTY 1'], lent.col.ts[0]])
    expect(await sink.flush(1)).toEqual({ rows: 0, bytes: 0 })
  })

  it('gives every reader the newest of all, whenever he asks', async () => {
    const update = fc.record({ instrument: fc.constantFrom('A', 'B', 'C'), price: fc.nat(9), asks: fc.nat(3) })
    await fc.assert(
      fc.asyncProperty(fc.array(update, { maxLength: 60 }), async (updates) => {
        const { board, sink, instruments } = await opened()
        const newest = new Map<string, number>()
        // Readers who ask every time, every second time and so on, each with what he was told so far.
        const readers = [1, 2, 3, 4].map(() => ({ version: 0, known: new Map<string, number>() }))
        const ask = (reader: (typeof readers)[number]) => {
          const version = board.mark()
          const { n, col } = board.rows
          for (let i = 0; i < n; i++) if (col[VERSION][i] > reader.version) reader.known.set(instruments.name(col['instrument'][i]), col['price'][i])
          reader.version = version
        }
        updates.forEach(({ instrument, price, asks }, i) => {
          sink.write('quotes', toBatch(Tick, [{ ts: i, instrument, price, volume: 0, oi: 0, bid: 0, ask: 0 }], instruments))
          newest.set(instrument, price)
          ask(readers[asks])
        })
        readers.forEach(ask)
        for (const { known } of readers) expect(known).toEqual(newest)
      }),
    )
  })

  it('forgets contracts two days after their expiry, and says that rows have moved', async () => {
    const { board, write, since } = await opened()
    write('2025-01-09T15:30:00 NIFTY:2025-01-09:24000:CE 1\n2025-01-09T15:30:00 NIFTY:2025-01-30:24000:CE 2\n2025-01-09T15:30:00 NIFTY 3')
    board.mark()
    write('2025-01-10T15:30:00 NIFTY 4')
    board.mark()
    expect([board.generation, since(0).length]).toEqual([0, 3])
    write('2025-01-11T15:30:00 NIFTY 5')
    board.mark()
    expect([board.generation, since(0)]).toEqual([1, ['NIFTY 5', 'NIFTY:2025-01-30:24000:CE 2']])
    write('2025-01-11T15:31:00 NIFTY:2025-01-30:24000:CE 6')
    expect(since(0)).toEqual(['NIFTY 5', 'NIFTY:2025-01-30:24000:CE 6'])
  })

  it('refuses an output that is not there, and a second dictionary', async () => {
    const { board, instruments } = await opened()
    await expect(new Board({ output: 'quote' }).open(taskOf(instruments))).rejects.toThrow('no output "quote"; it has quotes, alerts')
    await expect(board.open(taskOf(new Instruments()))).rejects.toThrow('one dictionary')
    await board.open({ ...taskOf(instruments), partition: 'p2' })
  })
})
