import { z } from 'zod'
import type { Batch } from '../../core/batch.ts'
import { Tick, type VolDelta } from '../../core/market.ts'
import { SECOND } from '../../core/time.ts'
import { topology } from '../../core/topology.ts'
import { nseCalendar } from '../../markets/nse/calendar.ts'
import { dedup } from '../../operators/dedup.ts'
import { eventTime } from '../../operators/eventTime.ts'
import { sessionFilter } from '../../operators/sessionFilter.ts'
import { volDelta } from '../../operators/volDelta.ts'

const CleanTick = { ...Tick, vol_delta: 'f64' } as const
type CleanTick = typeof CleanTick

const params = z.object({
  lateness: z
    .number()
    .min(0)
    .default(0)
    .meta({ unit: 's', description: 'how far behind the newest tick a tick may come and still be put in its place' }),
})

/** Ticks as every strategy here takes them, with what traded since the one before; README.md beside this file. */
export default topology({
  name: 'ticks',
  version: 1,
  memory: 'day',
  params,
  inputs: { ticks: Tick },
  outputs: { ticks: CleanTick, late: { ...Tick, lateness: 'f64' } },

  wire({ ticks }, at, { lateness }) {
    const { onTime, late } = eventTime(at('eventTime'), { schema: Tick, lateness: lateness * SECOND })(ticks)
    const clean = onTime.pipe(
      sessionFilter(at('sessionFilter'), { schema: Tick, calendar: nseCalendar }),
      dedup(at('dedup'), { schema: Tick }),
      volDelta(at('volDelta'), { zone: nseCalendar.zone }),
      at('named').map<Tick & VolDelta, CleanTick>(named),
    )
    return { ticks: clean, late }
  },
})

/** `delta` under the name that other tools know. */
function named({ n, watermark, inOrder, col }: Batch<Tick & VolDelta>): Batch<CleanTick> {
  return { n, watermark, inOrder, col: { ...col, vol_delta: col.delta } }
}
