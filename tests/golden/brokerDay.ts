import { Book, Second } from '../../core/market.ts'
import { ClosedTrade, Equity, Fill, Order, OrderFate } from '../../core/trading.ts'
import { clock, type Row, rowsOf } from '../kit/table.ts'

/*
 * Thursday 2025-01-09: the day on which the contracts C and P expire. NIFTY's lot is 75, an order is of 1800 at most, a
 * tick is 0.05. Prices older than 5 s are stale, slippage is 2 ticks (0.10), an order costs 20, everything ends 60 s before
 * the bell of 15:30.
 *
 * Fees that day, of what a leg is worth (price * quantity):
 *
 *     buy          0.035 % exchange + 0.0005 % IPFT + 0.0001 % SEBI + 18 % GST on these + 0.003 % stamp = 0.045008 %
 *     sell         the same three and GST + 0.1 % STT                                                   = 0.142008 %
 *     exercised    0.125 % STT of what it is worth at the expiry, paid by who holds it
 */
const names: Readonly<Record<string, string>> = {
  C: 'NIFTY:2025-01-09:23500:CE',
  P: 'NIFTY:2025-01-09:23600:PE',
  'C+': 'NIFTY:2025-01-16:23500:CE',
  'P+': 'NIFTY:2025-01-16:23500:PE',
  OLD: 'NIFTY:2025-01-02:23500:CE',
  QUIET: 'NIFTY:2025-01-16:23600:CE',
  FUT: 'NIFTY:2025-01-30:FUT',
  NIFTY: 'NIFTY',
}

/** `1`, `2`: an observed second, one whose price is carried. What is after # is a remark. */
function table(schema: Parameters<typeof rowsOf>[0], text: string): Row[] {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').replace(/\b\d\d:\d\d:\d\d\b/g, '2025-01-09T$&'))
  const rows = rowsOf(schema, lines.filter((line) => line.trim() !== '').join('\n'))
  return rows.map((row) => ({ ...row, instrument: names[row['instrument'] as string] }))
}

export const inputs = { prices: { ...Second, ...Book }, orders: Order }
export const outputs = { orders: OrderFate, fills: Fill, trades: ClosedTrade, equity: Equity }

export const orders: readonly Row[] = table(
  Order,
  `
  ts        instrument  side  lots  stop  target  trail  trailAfter  until     anchor
  10:00:00  C           buy   1     0.10  0.20    -      -           -         10:00:00   # 1
  10:05:00  P           sell  1     0.10  -       -      -           -         10:00:00   # 2
  10:10:00  P           buy   1     0.10  0.15    -      -           -         10:00:00   # 3
  10:15:00  C           sell  1     -     0.15    -      -           -         10:00:00   # 4
  10:20:00  C           buy   25    -     -       0.10   0.05        -         10:00:00   # 5
  10:25:00  P           sell  1     0.50  -       0.10   0           -         10:00:00   # 6
  10:30:00  C           buy   1     0.50  0.50    -      -           10:30:10  10:00:00   # 7
  10:35:00  P           sell  1     0.50  -       -      -           10:35:05  10:00:00   # 8
  11:00:00  C           buy   1     -     -       -      -           -         11:00:00   # its price is too old
  11:00:00  QUIET       buy   1     -     -       -      -           -         11:00:00   # it has no price
  11:00:00  OLD         buy   1     -     -       -      -           -         11:00:00   # it expired a week ago
  11:00:00  NIFTY       buy   1     -     -       -      -           -         11:00:00   # an index is not sold
  11:00:00  FUT         sell  1     -     -       -      -           -         11:00:00   # no option
  15:20:00  C+          buy   1     0.10  -       -      -           -         15:00:00   # 9
  15:20:00  P+          sell  1     0.10  -       -      -           -         15:00:00   # 10
  15:29:58  C           buy   1     0.10  0.10    -      -           -         15:00:00   # 11
  15:29:58  P           sell  1     0.10  0.10    -      -           -         15:00:00   # 12
  15:29:59  C           buy   1     -     -       -      -           -         15:00:00   # no second comes after it
  `,
)

export const prices: readonly Row[] = table(
  inputs.prices,
  `
  ts        instrument  close   observed  age  bid    ask
  10:00:00  C           99      1         0    98.95  99.05    # the order is decided here, not filled
  10:00:01  C           100     1         0    99.95  100.00   # 1 bought at the ask
  10:00:01  C+          310     1         0    309    311      # another contract's prices are nobody's business
  10:00:02  C           90.05   1         0    90     90.10    # 90 is 10 % below: not yet
  10:00:03  C           89      1         0    88.95  89.05    # stop
  10:00:03  C+          290     1         0    289    291
  10:00:04  C           88.5    1         0    88.25  88.75    # 1 sold at the bid
  10:05:01  P           80      1         0    -      -        # 2 sold at 80 - 0.10
  10:05:02  P           87.85   1         0    -      -        # 87.89 is 10 % above 79.90: not yet
  10:05:03  P           87.90   1         0    -      -        # stop
  10:05:04  P           88      1         0    -      -        # 2 bought at 88 + 0.10
  10:10:01  P           100     1         0    99.9   100      # 3 bought at the ask
  10:10:02  P           114.95  1         0    114.9  115
  10:10:03  P           115     1         0    114.9  115.1    # target: 15 % and no paisa more
  10:10:04  P           114.6   1         0    114.5  114.7    # 3 sold
  10:15:01  C           60.2    1         0    60     60.4     # 4 sold at the bid
  10:15:02  C           51.05   1         0    51     51.1
  10:15:03  C           51      1         0    50.95  51.05    # target
  10:15:04  C           51.1    1         0    51     51.20    # 4 bought
  10:20:01  C           200     1         0    199.9  200      # 5 bought: 25 lots, which take two orders
  10:20:02  C           209.95  1         0    209.9  210      # the trail is watched from 210 on
  10:20:03  C           188     1         0    187.9  188.1    # more than 10 % back from 209.95, but it is not
  10:20:04  C           220     1         0    219.9  220.1    # now it is: 198
  10:20:05  C           198.05  1         0    198    198.1
  10:20:06  C           198     1         0    197.9  198.1    # trail
  10:20:07  C           197.6   1         0    197.5  197.7    # 5 sold
  10:25:01  P           50.1    1         0    50     50.2     # 6 sold
  10:25:02  P           40      1         0    39.9   40.1     # its best: 44 is 10 % back
  10:25:03  P           43.95   1         0    43.9   44
  10:25:04  P           44      1         0    43.9   44.1     # trail
  10:25:05  P           44.1    1         0    44     44.2     # 6 bought
  10:30:01  C           150     1         0    -      -        # 7 bought at 150 + 0.10
  10:30:02  C           155     1         0    -      -
  10:30:09  C           155     0         7    -      -
  10:30:10  C           155     0         8    -      -        # time, though nothing was traded
  10:30:11  C           155     0         9    -      -        # too old to be sold at
  10:30:12  C           156     1         0    155.5  156.5    # 7 sold at the first fresh price
  10:35:01  P           70.2    1         0    70     70.4     # 8 sold
  10:35:05  P           72      1         0    71.9   72.1     # time
  10:35:06  P           72      0         1    71.9   72.1     # 8 bought: one second old is fresh
  11:00:01  C           160     0         6    159    161      # too old for an order
  14:59:59  NIFTY       23400   1         0    -      -        # before the last half hour
  15:00:00  NIFTY       23540   1         0    -      -
  15:10:00  NIFTY       23550   1         0    -      -
  15:20:01  C+          120.2   1         0    119.8  120      # 9 bought
  15:20:01  P+          90.2    1         0    90     90.4     # 10 sold
  15:25:00  C+          121     1         0    120.8  121.2    # a row of equity is due
  15:25:00  P+          95      1         0    94.8   95.2
  15:29:00  C+          118.2   1         0    118    118.4    # session end for all
  15:29:00  P+          95      0         240  94.8   95.2
  15:29:01  C+          118.1   1         0    118    118.2    # 9 sold
  15:29:01  P+          95      0         241  94.8   95.2     # 10 waits for a price
  15:29:59  NIFTY       23560   1         0    -      -
  15:29:59  C           48.9    1         0    48.8   49       # 11 bought
  15:29:59  P           52.1    1         0    52     52.2     # 12 sold
  15:29:59  P+          95      0         299  94.8   95.2     # 10 is bought at 95 at the bell
  `,
)
// NIFTY's closing price: (23540 + 23550 + 23560) / 3 = 23550, so that C and P are worth 50 each at the bell.

/** The columns that `text` names of rows, as it writes them: times as clock times, numbers with four decimals at most. */
export function shown(rows: readonly Row[], columns: readonly string[]): string[][] {
  return rows.map((row) => columns.map((column) => written(column, row[column])))
}

function written(column: string, value: Row[string]): string {
  if (column === 'instrument') return Object.keys(names).find((short) => names[short] === value) ?? String(value)
  if (typeof value !== 'number') return String(value)
  if (['ts', 'placed', 'entered'].includes(column)) return clock(value)
  return String(Math.round(value * 1e4) / 1e4 + 0)
}

/** A table of expected rows as `shown` gives them. */
export function expected(text: string): { columns: string[]; rows: string[][] } {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim())
  const [columns, ...rows] = lines.filter((line) => line !== '').map((line) => line.split(/\s+/))
  return { columns, rows }
}
