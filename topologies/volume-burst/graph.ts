import { z } from 'zod'
import { Burst, Second, Trade } from '../../core/market.ts'
import { sharedBy } from '../../core/step.ts'
import { SECOND } from '../../core/time.ts'
import { topology } from '../../core/topology.ts'
import { nseCalendar } from '../../markets/nse/calendar.ts'
import { dedup } from '../../operators/dedup.ts'
import { eventTime } from '../../operators/eventTime.ts'
import { perSecond } from '../../operators/perSecond.ts'
import { rollingBurst } from '../../operators/rollingBurst.ts'
import { sessionFilter } from '../../operators/sessionFilter.ts'
import { Signal, signal } from '../../operators/signal.ts'
import { volDelta } from '../../operators/volDelta.ts'

const wholeSeconds = z.number().int().min(1)

const params = z.object({
  eventTime: z
    .object({
      lateness: z
        .number()
        .min(0)
        .default(0)
        .meta({ unit: 's', description: 'how far behind the newest tick a tick may come and still be put in its place' }),
    })
    .prefault({}),
  rollingBurst: z
    .object({
      window: wholeSeconds.default(30).meta({ unit: 's', description: 'W: the seconds a burst is summed over' }),
      baseline: wholeSeconds.default(600).meta({ unit: 's', description: 'A: the seconds a usual rate is taken from' }),
    })
    .prefault({}),
  signal: z
    .object({
      multiplier: z.number().positive().default(2).meta({ unit: 'x', description: 'how many times its baseline a burst must exceed' }),
      floor: z.number().min(0).default(500).meta({ unit: 'contracts', description: 'the least burst that counts' }),
      cooldown: z.number().min(0).default(0).meta({ unit: 's', description: 'seconds after a signal in which further edges are passed over' }),
    })
    .prefault({}),
})

/** Ticks to seconds, seconds to bursts, bursts to signals; README.md beside this file has the formulas. */
export default topology({
  name: 'volume-burst',
  version: 1,
  memory: 'day',
  params,
  presets: {
    /** The benchmark job that every peer implementation answers too (bench/README.md). */
    j1: { eventTime: { lateness: 0 }, rollingBurst: { window: 30, baseline: 600 }, signal: { multiplier: 3, floor: 500, cooldown: 0 } },
  },
  inputs: { ticks: Trade },
  outputs: { seconds: Second, bursts: Burst, signals: Signal, late: { ...Trade, lateness: 'f64' } },

  wire({ ticks }, at, p) {
    const { seconds, late } = sharedBy(at, 'seconds', p.eventTime, (at) => {
      const { onTime, late } = eventTime(at('eventTime'), { schema: Trade, lateness: p.eventTime.lateness * SECOND })(ticks)
      const seconds = onTime.pipe(
        sessionFilter(at('sessionFilter'), { schema: Trade, calendar: nseCalendar }),
        dedup(at('dedup'), { schema: Trade }),
        volDelta(at('volDelta'), { zone: nseCalendar.zone }),
        perSecond(at('perSecond'), { calendar: nseCalendar }),
      )
      return { seconds, late }
    })
    const bursts = sharedBy(at, 'bursts', [p.eventTime, p.rollingBurst], (at) => seconds.pipe(rollingBurst(at('rollingBurst'), p.rollingBurst)))
    const signals = bursts.pipe(signal(at('signal'), p.signal))
    return { seconds, bursts, signals, late }
  },
})
