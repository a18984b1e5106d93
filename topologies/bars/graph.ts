import { z } from 'zod'
import { Bar } from '../../core/bar.ts'
import { Trade } from '../../core/market.ts'
import { SECOND } from '../../core/time.ts'
import { topology } from '../../core/topology.ts'
import { nseCalendar } from '../../markets/nse/calendar.ts'
import { bars } from '../../operators/bars.ts'
import { dedup } from '../../operators/dedup.ts'
import { eventTime } from '../../operators/eventTime.ts'
import { sessionFilter } from '../../operators/sessionFilter.ts'
import { volDelta } from '../../operators/volDelta.ts'

const Input = { ...Trade, oi: 'f64' } as const

const params = z.object({
  lateness: z
    .number()
    .min(0)
    .default(0)
    .meta({ unit: 's', description: 'how far behind the newest tick a tick may come and still be put in its bar' }),
  length: z.number().int().min(1).max(86_400).default(60).meta({ unit: 's', description: 'of a bar' }),
})

/** Ticks to bars; README.md beside this file. */
export default topology({
  name: 'bars',
  version: 1,
  memory: 'day',
  params,
  inputs: { ticks: Input },
  outputs: { bars: Bar, late: { ...Input, lateness: 'f64' } },

  wire({ ticks }, at, { lateness, length }) {
    const { onTime, late } = eventTime(at('eventTime'), { schema: Input, lateness: lateness * SECOND })(ticks)
    const made = onTime.pipe(
      sessionFilter(at('sessionFilter'), { schema: Input, calendar: nseCalendar }),
      dedup(at('dedup'), { schema: Input }),
      volDelta(at('volDelta'), { zone: nseCalendar.zone }),
      bars(at('bars'), { calendar: nseCalendar, length: length * SECOND }),
    )
    return { bars: made, late }
  },
})
