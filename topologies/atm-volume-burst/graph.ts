import type { Observable } from 'rxjs'
import type { z } from 'zod'
import type { Batch } from '../../core/batch.ts'
import type { OptionType } from '../../core/instruments.ts'
import { Book, Burst, Second, Trade } from '../../core/market.ts'
import { type At, sharedBy } from '../../core/step.ts'
import { SECOND } from '../../core/time.ts'
import { topology } from '../../core/topology.ts'
import { ClosedTrade, Equity, Fill, OrderFate } from '../../core/trading.ts'
import { nseCalendar } from '../../markets/nse/calendar.ts'
import { nseOptions } from '../../markets/nse/optionMarket.ts'
import { atmStrikes } from '../../operators/atmStrikes.ts'
import { bracketOrders } from '../../operators/bracketOrders.ts'
import { Candidate, candidates } from '../../operators/candidates.ts'
import { dedup } from '../../operators/dedup.ts'
import { entries, Wanted } from '../../operators/entries.ts'
import { AnchorPrice, entryPrice } from '../../operators/entryPrice.ts'
import { eventTime } from '../../operators/eventTime.ts'
import { paperBroker } from '../../operators/paperBroker.ts'
import { perSecond } from '../../operators/perSecond.ts'
import { rollingBurst } from '../../operators/rollingBurst.ts'
import { sessionFilter } from '../../operators/sessionFilter.ts'
import { signal } from '../../operators/signal.ts'
import { Spot, spotGrid } from '../../operators/spotGrid.ts'
import { Trend, trend } from '../../operators/trend.ts'
import { volDelta } from '../../operators/volDelta.ts'
import { anchorTimes, params } from './parameters.ts'

type Given = z.output<typeof params>

const Ticks = { ...Trade, ...Book } as const
const Spotted = { ...Second, ...Book, ...Spot } as const
type Spotted = typeof Spotted
const Wide = { ...Spotted, burst: Burst.burst, baseline: Burst.baseline } as const
/** A second of a candidate, or of a spot: its price, book, burst, spot, pick, trend and what it cost at the anchor. */
const Watched = { ...Wide, ...Candidate, ...Trend, ...AnchorPrice } as const

/** Cleaned ticks as seconds, the book and the spot beside them. */
function secondsOf(ticks: Observable<Batch<typeof Ticks>>, at: At, { eventTime: { lateness } }: Given) {
  return sharedBy(at, 'seconds', { lateness }, (at) => {
    const { onTime, late } = eventTime(at('eventTime'), { schema: Ticks, lateness: lateness * SECOND })(ticks)
    const seconds = onTime.pipe(
      sessionFilter(at('sessionFilter'), { schema: Ticks, calendar: nseCalendar }),
      dedup(at('dedup'), { schema: Ticks }),
      volDelta(at('volDelta'), { zone: nseCalendar.zone }),
      perSecond(at('perSecond'), { calendar: nseCalendar, carry: ['bid', 'ask'] }),
      spotGrid(at('spotGrid'), { schema: { ...Second, ...Book } }),
    )
    return { seconds, late }
  })
}

/** What picks follow from, beside the ticks. */
function pickedBy({ eventTime: { lateness }, anchors, width, series, types, spotAge }: Given) {
  return { lateness, anchors, width, series, types, spotAge }
}

function picksOf(seconds: Observable<Batch<Spotted>>, at: At, p: Given) {
  const types: readonly OptionType[] = p.types === 'both' ? ['CE', 'PE'] : [p.types]
  return sharedBy(at, 'picks', pickedBy(p), (at) =>
    seconds.pipe(
      atmStrikes(at('atmStrikes'), {
        market: nseOptions,
        anchors: anchorTimes(p.anchors),
        width: p.width,
        series: p.series,
        types,
        maxAge: p.spotAge,
      }),
    ),
  )
}

/**
 * Sells, or buys, the strikes around the money when they burst; README.md beside this file has the formulas.
 */
export default topology({
  name: 'atm-volume-burst',
  version: 1,
  memory: 'day',
  params,
  inputs: { ticks: Ticks },
  outputs: {
    signals: Wanted,
    orders: OrderFate,
    fills: Fill,
    trades: ClosedTrade,
    equity: Equity,
    watched: Watched,
    late: { ...Ticks, lateness: 'f64' },
  },

  wire({ ticks }, at, p) {
    const { seconds, late } = secondsOf(ticks, at, p)
    const picks = picksOf(seconds, at, p)

    const { window, baseline, multiplier, floor, cooldown } = p.rollingBurst
    const rolledBy = { lateness: p.eventTime.lateness, window, baseline }
    const wide = sharedBy(at, 'bursts', rolledBy, (at) => seconds.pipe(rollingBurst(at('rollingBurst'), { window, baseline })))
    const edges = sharedBy(at, 'edges', { ...rolledBy, multiplier, floor, cooldown }, (at) =>
      wide.pipe(signal(at('signal'), { multiplier, floor, cooldown })),
    )
    const watched = sharedBy(at, 'watched', { ...rolledBy, ...pickedBy(p) }, (at) =>
      candidates(at('candidates'), { schema: Wide })({ rows: wide, picks }).pipe(trend(at('trend')), entryPrice(at('entryPrice'))),
    )

    const { wanted, taken } = entries(at('entries'), {
      side: p.direction,
      trend: p.trend.filter,
      leastMove: p.trend.leastMove,
      leastPremium: p.leastPremium,
      maxAge: p.maxAge,
      perAnchor: p.perAnchor,
      calendar: nseCalendar,
      squareOff: p.squareOff,
    })({ watched, edges })
    const orders = taken.pipe(bracketOrders(at('bracketOrders'), { ...p, side: p.direction }))
    const broker = paperBroker(at('paperBroker'), { ...p, market: nseOptions })({ prices: watched, orders })
    return { signals: wanted, ...broker, watched, late }
  },

  reads: ({ ticks }, at, p) => picksOf(secondsOf(ticks, at, p).seconds, at, p),
})
