import { describe, expect, it } from 'vitest'
import { Book, Second } from '../../core/market.ts'
import type { Step } from '../../core/step.ts'
import { ClosedTrade, Equity, Fill, Order, OrderFate } from '../../core/trading.ts'
import { nseOptions } from '../../markets/nse/optionMarket.ts'
import { type PaperBrokerOptions, paperBroker } from '../../operators/paperBroker.ts'
import { driveJoin, type JoinOp, joinContract, tapeOf } from '../kit/joinContract.ts'
import { clock, type Row, rowsOf } from '../kit/table.ts'

const inputs = { prices: { ...Second, ...Book }, orders: Order }
const outputs = { orders: OrderFate, fills: Fill, trades: ClosedTrade, equity: Equity }
const kinds = { inputs, outputs }
const op =
  (options: Partial<PaperBrokerOptions> = {}): JoinOp<typeof inputs, typeof outputs> =>
  (step: Step) =>
    paperBroker(step, { market: nseOptions, maxAge: 5, slippage: 2, brokerage: 0, squareOff: 60, ...options })

const prices = rowsOf(
  inputs.prices,
  `
  ts        instrument                close   observed  age  bid    ask
  10:00:00  NIFTY:2025-01-09:23500:CE 100     1         0    99.5   100.5
  10:00:01  NIFTY:2025-01-09:23500:CE 101     1         0    100.5  101.5
  10:00:02  NIFTY:2025-01-09:23500:CE 102     1         0    -      -
  10:00:03  NIFTY:2025-01-09:23500:CE 120     1         0    -      -
  10:00:04  NIFTY:2025-01-09:23500:CE 119     1         0    -      -
`,
)
const orders = rowsOf(
  inputs.orders,
  `
  ts        instrument                side  lots  anchor stop  target  trail  trailAfter  until
  10:00:00  NIFTY:2025-01-09:23500:CE buy   1     -      0.1   0.1     -      -           -
`,
)
const shown = (rows: Row[]) => rows.map((row) => ({ ...row, ts: clock(row['ts'] as number) }))
describe('smoke', () => {
  it('runs', () => {
    const { rows, counts } = driveJoin(op(), kinds, tapeOf({ prices, orders }))
    expect(counts['exit_waited']).toBe(0)
    expect(shown(rows['trades'])).toHaveLength(1)
  })
  joinContract(op(), kinds, tapeOf({ prices, orders }), { of: 'prices', columns: ['close', 'bid', 'ask', 'age'] })
})
