import avsc from 'avsc'
import { RecordDecoder, ROWS } from '../../../connectors/avro/decoder.ts'
import { embeddedSchemas } from '../../../connectors/avro/embedded.ts'
import { RecordEncoder, recordIds } from '../../../connectors/avro/encoder.ts'
import { recordSchemas } from '../../../connectors/avro/schemas.ts'
import type { Schema } from '../../../core/batch.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Quote, Tick, Trade } from '../../../core/market.ts'
import { RowBuffer } from '../../../core/rowBuffer.ts'

/**
 * Decoding alone, best of several runs: node tests/connectors/avro/bench.ts
 *
 * Records lie one behind the other in pieces of 4 MB, as a fetch brings them. `avsc` is the library's own decoding into
 * objects with the values then put into columns, the schema's type known.
 */
const T0 = Date.UTC(2025, 0, 6, 4) * 1000
const RUNS = 9
const TICKS = 400_000

const schemas = embeddedSchemas()
const ids = await recordIds(schemas)
const instruments = new Instruments()
const encoder = new RecordEncoder(ids, instruments)

function market(columns: readonly string[], chain: boolean): RowBuffer<Quote> {
  const rows = new RowBuffer(Quote, TICKS)
  const names = Array.from({ length: 240 }, (_, i) =>
    instruments.id(chain ? `NIFTY:2025-01-09:${20_000 + 50 * (i >> 1)}:${i & 1 ? 'PE' : 'CE'}` : 'NIFTY'),
  )
  for (let i = 0; i < TICKS; i++) {
    for (const column in Quote) rows.col[column as keyof Quote][i] = columns.includes(column) ? 100 + (i % 977) * 0.05 : NaN
    rows.col.instrument[i] = names[(Math.imul(i, 2654435761) >>> 8) & 127]
    rows.col.ts[i] = T0 + i * 250
    if (columns.includes('received')) rows.col.received[i] = T0 + i * 250 + 1234
    if (columns.includes('lastTrade')) rows.col.lastTrade[i] = T0 + i * 250 - 1234
  }
  rows.n = TICKS
  return rows
}

/** As a fetch brings them: views on large pieces of memory. */
function laidOut(records: readonly Buffer[]): Buffer[] {
  const out: Buffer[] = []
  let piece = Buffer.alloc(4 << 20)
  let at = 0
  for (const record of records) {
    if (at + record.length > piece.length) [piece, at] = [Buffer.alloc(4 << 20), 0]
    piece.set(record, at)
    out.push(piece.subarray(at, at + record.length))
    at += record.length
  }
  return out
}

function best(run: () => void): number {
  let least = Infinity
  for (let i = 0; i < RUNS; i++) {
    const from = performance.now()
    run()
    least = Math.min(least, performance.now() - from)
  }
  return TICKS / least / 1000
}

async function measure(label: string, records: readonly Buffer[], columns: Schema, block: boolean): Promise<void> {
  const values = laidOut(records)
  const decoder = new RecordDecoder({ columns, instruments, schemas })
  await decoder.resolve(block ? ids.block : ids.tick)
  const into = new RowBuffer(columns, TICKS)
  const stamp = T0 / 1000 + 3_600_000
  const ours = best(() => {
    into.clear()
    for (let i = 0; i < values.length; i++) if (decoder.decode(values[i], stamp, into) !== ROWS) throw new Error('rejected')
    if (into.n !== TICKS) throw new Error(`${into.n} rows`)
  })
  const theirs = avsc.Type.forSchema(JSON.parse(recordSchemas[block ? 'block' : 'tick'].json))
  const wanted = Object.keys(columns).filter((c) => c !== 'instrument')
  const col = into.col as Record<string, Float64Array | Int32Array>
  const objects = best(() => {
    let n = 0
    for (let i = 0; i < values.length; i++) {
      const value = theirs.fromBuffer(values[i].subarray(5))
      for (const tick of block ? value.ticks : [value]) {
        col['instrument'][n] = instruments.id(tick.instrument)
        for (const c of wanted) col[c][n] = tick[c] ?? NaN
        n++
      }
    }
  })
  const bytes = values.reduce((sum, v) => sum + v.length, 0) / TICKS
  console.log(`${label.padEnd(44)} ${bytes.toFixed(0).padStart(4)} B  ${ours.toFixed(1).padStart(5)} M/s  avsc ${objects.toFixed(1).padStart(5)} M/s`)
}

const small = market(['price', 'volume'], true)
const full = market(Object.keys(Quote), true)
const singles = (rows: RowBuffer<Quote>): Buffer[] => Array.from({ length: TICKS }, (_, i) => encoder.encodeTick(rows.view(0), i))
const blocks = (rows: RowBuffer<Quote>): Buffer[] =>
  Array.from({ length: TICKS / 100 }, (_, i) => encoder.encodeBlock('NIFTY', rows.view(0), i * 100, i * 100 + 100))

await measure('singles, price and volume, read as Trade', singles(small), Trade, false)
await measure('singles, every field, read as Trade', singles(full), Trade, false)
await measure('singles, every field, read as Tick', singles(full), Tick, false)
await measure('singles, every field, read as Quote', singles(full), Quote, false)
await measure('blocks of 100, price and volume, as Trade', blocks(small), Trade, true)
await measure('blocks of 100, every field, as Trade', blocks(full), Trade, true)
await measure('blocks of 100, every field, as Quote', blocks(full), Quote, true)
