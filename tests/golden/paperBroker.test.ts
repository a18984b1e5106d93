import { describe, expect, it } from 'vitest'
import type { Step } from '../../core/step.ts'
import { nseOptions } from '../../markets/nse/optionMarket.ts'
import { paperBroker } from '../../operators/paperBroker.ts'
import { driveJoin, type JoinOp, joinContract, tapeOf } from '../kit/joinContract.ts'
import { expected, inputs, orders, outputs, prices, shown } from './brokerDay.ts'

const op: JoinOp<typeof inputs, typeof outputs> = (step: Step) =>
  paperBroker(step, { market: nseOptions, maxAge: 5, slippage: 2, brokerage: 20, squareOff: 60 })
const kinds = { inputs, outputs }
const tape = tapeOf({ prices, orders })

const run = driveJoin(op, kinds, tape)
const same = (stream: keyof typeof outputs, text: string): void => {
  const { columns, rows } = expected(text)
  expect(shown(run.rows[stream], columns)).toEqual(rows)
}

describe('a day by hand: every kind of exit, long and short (brokerDay.ts has the seconds)', () => {
  it('trades', () => {
    // pnl = points * quantity - fees; fees = 20 an order + 0.045008 % of what was bought + 0.142008 % of what was sold
    same(
      'trades',
      `
      position direction reason      entered  entry exit  ts       quantity points gross   fees     pnl        best   worst
      1        long      stop        10:00:01 100   88.25 10:00:04 75       -11.75 -881.25 52.7748  -934.0248  100    89
      2        short     stop        10:05:01 79.9  88.1  10:05:04 75       -8.2   -615    51.4837  -666.4837  79.9   87.9
      3        long      target      10:10:01 100   114.5 10:10:04 75       14.5   1087.5  55.5705  1031.9295  115    100
      4        short     target      10:15:01 60    51.2  10:15:04 75       8.8    660     48.1187  611.8813   51     60
      5        long      trail       10:20:01 200   197.5 10:20:07 1875     -2.5   -4687.5 774.6534 -5462.1534 220    188
      6        short     trail       10:25:01 50    44.2  10:25:05 75       5.8    435     46.8173  388.1827   40     50
      7        long      time        10:30:01 150.1 155.5 10:30:12 75       5.4    405     61.6285  343.3715   155    150.1
      8        short     time        10:35:01 70    72.1  10:35:06 75       -2.1   -157.5  49.8892  -207.3892  70     72
      9        long      session_end 15:20:01 120   118   15:29:01 75       -2     -150    56.6184  -206.6184  121    118.2
      10       short     session_end 15:20:01 90    95    15:30:00 75       -5     -375    52.7924  -427.7924  90     95
      11       long      expiry      15:29:59 49    50    15:30:00 75       1      75      26.3415  48.6585    49     49
      12       short     expiry      15:29:59 52    50    15:30:00 75       2      150     25.5383  124.4617   52     52
      `,
    )
  })

  it('orders: what became of each, and when', () => {
    same(
      'orders',
      `
      ts       placed   instrument position side purpose     lots quantity fate
      10:00:01 10:00:00 C          1        buy  entry       1    75       filled
      10:00:04 10:00:03 C          1        sell stop        1    75       filled
      10:05:01 10:05:00 P          2        sell entry       1    75       filled
      10:05:04 10:05:03 P          2        buy  stop        1    75       filled
      10:10:01 10:10:00 P          3        buy  entry       1    75       filled
      10:10:04 10:10:03 P          3        sell target      1    75       filled
      10:15:01 10:15:00 C          4        sell entry       1    75       filled
      10:15:04 10:15:03 C          4        buy  target      1    75       filled
      10:20:01 10:20:00 C          5        buy  entry       25   1875     filled
      10:20:07 10:20:06 C          5        sell trail       25   1875     filled
      10:25:01 10:25:00 P          6        sell entry       1    75       filled
      10:25:05 10:25:04 P          6        buy  trail       1    75       filled
      10:30:01 10:30:00 C          7        buy  entry       1    75       filled
      10:30:12 10:30:10 C          7        sell time        1    75       filled
      10:35:01 10:35:00 P          8        sell entry       1    75       filled
      10:35:06 10:35:05 P          8        buy  time        1    75       filled
      11:00:01 11:00:00 OLD        0        buy  entry       1    0        expired
      11:00:01 11:00:00 NIFTY      0        buy  entry       1    0        not_tradable
      11:00:01 11:00:00 FUT        0        sell entry       1    0        not_tradable
      11:00:01 11:00:00 C          0        buy  entry       1    0        stale
      11:00:01 11:00:00 QUIET      0        buy  entry       1    0        no_price
      15:20:01 15:20:00 C+         9        buy  entry       1    75       filled
      15:20:01 15:20:00 P+         10       sell entry       1    75       filled
      15:29:01 15:29:00 C+         9        sell session_end 1    75       filled
      15:29:59 15:29:58 C          11       buy  entry       1    75       filled
      15:29:59 15:29:58 P          12       sell entry       1    75       filled
      15:30:00 15:29:00 P+         10       buy  session_end 1    75       filled
      15:30:00 15:30:00 C          11       sell expiry      1    75       filled
      15:30:00 15:30:00 P          12       buy  expiry      1    75       filled
      15:30:00 15:29:59 C          0        buy  entry       1    0        no_price
      `,
    )
    // 7 at 10:30:11; 10 at 15:29:01 and 15:29:59, then at the bell.
    expect(run.counts).toEqual({ exit_waited: 3, exit_at_carried_price: 1, settled_without_spot: 0 })
  })

  it('fills: at which price, and what each cost', () => {
    same(
      'fills',
      `
      ts       position side purpose     source     price  quantity slices fees
      10:00:01 1        buy  entry       book       100    75       1      23.3756   # 7500    * 0.00045008 + 20
      10:00:04 1        sell stop        book       88.25  75       1      29.3992   # 6618.75 * 0.00142008 + 20
      10:05:01 2        sell entry       last       79.9   75       1      28.5098   # 5992.5  * 0.00142008 + 20
      10:05:04 2        buy  stop        last       88.1   75       1      22.9739   # 6607.5  * 0.00045008 + 20
      10:10:01 3        buy  entry       book       100    75       1      23.3756
      10:10:04 3        sell target      book       114.5  75       1      32.1949   # 8587.5  * 0.00142008 + 20
      10:15:01 4        sell entry       book       60     75       1      26.3904   # 4500    * 0.00142008 + 20
      10:15:04 4        buy  target      book       51.2   75       1      21.7283   # 3840    * 0.00045008 + 20
      10:20:01 5        buy  entry       book       200    1875     2      208.78    # 375000  * 0.00045008 + 40
      10:20:07 5        sell trail       book       197.5  1875     2      565.8734  # 370312.5 * 0.00142008 + 40
      10:25:01 6        sell entry       book       50     75       1      25.3253   # 3750    * 0.00142008 + 20
      10:25:05 6        buy  trail       book       44.2   75       1      21.492    # 3315    * 0.00045008 + 20
      10:30:01 7        buy  entry       last       150.1  75       1      25.0668   # 11257.5 * 0.00045008 + 20
      10:30:12 7        sell time        book       155.5  75       1      36.5617   # 11662.5 * 0.00142008 + 20
      10:35:01 8        sell entry       book       70     75       1      27.4554   # 5250    * 0.00142008 + 20
      10:35:06 8        buy  time        book       72.1   75       1      22.4338   # 5407.5  * 0.00045008 + 20
      15:20:01 9        buy  entry       book       120    75       1      24.0507   # 9000    * 0.00045008 + 20
      15:20:01 10       sell entry       book       90     75       1      29.5855   # 6750    * 0.00142008 + 20
      15:29:01 9        sell session_end book       118    75       1      32.5677   # 8850    * 0.00142008 + 20
      15:29:59 11       buy  entry       book       49     75       1      21.654    # 3675    * 0.00045008 + 20
      15:29:59 12       sell entry       book       52     75       1      25.5383   # 3900    * 0.00142008 + 20
      15:30:00 10       buy  session_end carried    95     75       1      23.2068   # 7125    * 0.00045008 + 20
      15:30:00 11       sell expiry      settlement 50     75       0      4.6875    # 3750    * 0.00125, no order
      15:30:00 12       buy  expiry      settlement 50     75       0      0
      `,
    )
    for (const fill of run.rows['fills']) {
      const parts = ['stt', 'exchange', 'ipft', 'sebi', 'stamp', 'gst', 'brokerage'].map((part) => fill[part] as number)
      expect(parts.reduce((sum, part) => sum + part)).toBeCloseTo(fill['fees'] as number, 9)
    }
  })

  it('equity: cash and what is open at its last price', () => {
    // cash: before it - bought + sold - fees. equity = cash + value of what is open, which the remarks say.
    same(
      'equity',
      `
      ts       cash         realised   fees      open equity      unrealised
      10:00:01 -7523.3756   0          23.3756   1    -23.3756    -23.3756   # + 7500
      10:00:04 -934.0248    -934.0248  52.7748   0    -934.0248   0
      10:05:01 5029.9654    -934.0248  81.2846   1    -970.0346   -36.0098   # - 80 * 75
      10:05:04 -1600.5085   -1600.5085 104.2585  0    -1600.5085  0
      10:10:01 -9123.8841   -1600.5085 127.6341  1    -1623.8841  -23.3756   # + 7500
      10:10:04 -568.579     -568.579   159.829   0    -568.579    0
      10:15:01 3905.0306    -568.579   186.2194  1    -609.9694   -41.3904   # - 60.2 * 75
      10:15:04 43.3023      43.3023    207.9477  0    43.3023     0
      10:20:01 -375165.4777 43.3023    416.7277  1    -165.4777   -208.78    # + 200 * 1875
      10:20:07 -5418.8511   -5418.8511 982.6011  0    -5418.8511  0
      10:25:01 -1694.1764   -5418.8511 1007.9264 1    -5451.6764  -32.8253   # - 50.1 * 75
      10:25:05 -5030.6684   -5030.6684 1029.4184 0    -5030.6684  0
      10:30:01 -16313.2352  -5030.6684 1054.4852 1    -5063.2352  -32.5668   # + 150 * 75
      10:30:12 -4687.2968   -4687.2968 1091.0468 0    -4687.2968  0
      10:35:01 535.2477     -4687.2968 1118.5023 1    -4729.7523  -42.4554   # - 70.2 * 75
      10:35:06 -4894.6861   -4894.6861 1140.9361 0    -4894.6861  0
      15:20:01 -7198.3223   -4894.6861 1194.5723 2    -4948.3223  -53.6363   # + (120.2 - 90.2) * 75
      15:25:00 -7198.3223   -4894.6861 1194.5723 2    -5248.3223  -353.6363  # + (121 - 95) * 75
      15:29:00 -7198.3223   -4894.6861 1194.5723 2    -5458.3223  -563.6363  # + (118.2 - 95) * 75
      15:29:01 1619.11      -5101.3045 1227.14   1    -5505.89    -404.5855  # - 95 * 75
      15:29:59 1796.9176    -5101.3045 1274.3324 3    -5568.0824  -466.7779  # + (48.9 - 52.1 - 95) * 75
      15:30:00 -5355.9767   -5355.9767 1302.2267 0    -5355.9767  0
      `,
    )
  })

  joinContract(op, kinds, tape, { of: 'prices', columns: ['close', 'bid', 'ask', 'age'] })
})
