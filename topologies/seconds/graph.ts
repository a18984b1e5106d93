import { z } from 'zod'
import { Second, Trade } from '../../core/market.ts'
import { SECOND } from '../../core/time.ts'
import { topology } from '../../core/topology.ts'
import { nseCalendar } from '../../markets/nse/calendar.ts'
import { dedup } from '../../operators/dedup.ts'
import { eventTime } from '../../operators/eventTime.ts'
import { perSecond } from '../../operators/perSecond.ts'
import { sessionFilter } from '../../operators/sessionFilter.ts'
import { volDelta } from '../../operators/volDelta.ts'

const params = z.object({
  lateness: z
    .number()
    .min(0)
    .default(0)
    .meta({ unit: 's', description: 'how far behind the newest tick a tick may come and still be counted in its second' }),
})

/** Ticks to seconds: what is put in front of a topology that starts from seconds; README.md beside this file. */
export default topology({
  name: 'seconds',
  version: 1,
  memory: 'day',
  params,
  inputs: { ticks: Trade },
  outputs: { seconds: Second, late: { ...Trade, lateness: 'f64' } },

  wire({ ticks }, at, { lateness }) {
    const { onTime, late } = eventTime(at('eventTime'), { schema: Trade, lateness: lateness * SECOND })(ticks)
    const seconds = onTime.pipe(
      sessionFilter(at('sessionFilter'), { schema: Trade, calendar: nseCalendar }),
      dedup(at('dedup'), { schema: Trade }),
      volDelta(at('volDelta'), { zone: nseCalendar.zone }),
      perSecond(at('perSecond'), { calendar: nseCalendar }),
    )
    return { seconds, late }
  },
})
