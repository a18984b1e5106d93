import { Sfc32 } from '../../connectors/synthetic/prng.ts'
import type { Batch } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import { Trade } from '../../core/market.ts'
import { SECOND } from '../../core/time.ts'
import { at, type Row, toBatch } from './table.ts'

// Of four partitions, two of these lie in one and none is empty.
const UNDERLYINGS = ['NIFTY', 'FINNIFTY', 'INFY', 'HDFCBANK', 'BANKNIFTY']
const INSTRUMENTS = UNDERLYINGS.flatMap((name) => [name, ...['24000:CE', '24000:PE', '24100:CE'].map((leg) => `${name}:2025-01-30:${leg}`)])

export const OPEN = at('09:15:00')

/**
 * What a feed brings in the first minutes of a day, a batch a second: twenty instruments with bursts of volume, rows out
 * of order within a second and late ones, rows twice, and the end of the second as the watermark, which becomes a heartbeat.
 */
export function liveMarket(seconds: number, instruments: Instruments, seed = 1): readonly Batch<Trade>[] {
  const random = new Sfc32(seed, 4)
  const lines = INSTRUMENTS.map((instrument) => ({ instrument, volume: 0, price: 100 + random.below(100), until: 0 }))
  return Array.from({ length: seconds }, (_, s) => {
    const rows: Row[] = []
    for (const line of lines) {
      if (random.next() < 0.004) line.until = s + 5 + random.below(20)
      if (random.next() < 0.3) continue
      line.price += random.below(3) - 1
      line.volume += random.below(s < line.until ? 90 : 12)
      const late = random.next() < 0.02 ? 1 + random.below(5) : 0
      const ts = OPEN + (s - late) * SECOND + random.below(SECOND)
      const row = { ts, instrument: line.instrument, price: line.price, volume: line.volume }
      rows.push(row, ...(random.next() < 0.02 ? [row] : []))
    }
    return toBatch(Trade, rows, instruments, OPEN + (s + 1) * SECOND) as Batch<Trade>
  })
}
