import { z } from 'zod'
import { SECOND, timeOfDay } from '../../core/time.ts'

const seconds = z.number().int().min(1)
const fraction = z.number().min(0).lt(10)

const clock = z.string().refine((text) => !Number.isNaN(timeOfDay(text)), 'is not a time of day such as 10:00')

/** Microseconds after midnight of all anchors. */
export function anchorTimes({ first, last, every }: { readonly first: string; readonly last: string; readonly every: number }): number[] {
  const found: number[] = []
  for (let at = timeOfDay(first); at <= timeOfDay(last); at += every * 60 * SECOND) found.push(at)
  return found
}

/** README.md beside this file says what each decides. */
export const params = z.object({
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
      window: seconds.default(30).meta({ unit: 's', description: 'W: the seconds a burst is summed over' }),
      baseline: seconds.default(300).meta({ unit: 's', description: 'A: the seconds a usual rate is taken from' }),
      multiplier: z.number().positive().default(1.5).meta({ unit: 'x', description: 'how many times its baseline a burst must exceed' }),
      floor: z.number().min(0).default(500).meta({ unit: 'contracts', description: 'the least burst that counts' }),
      cooldown: z.number().min(0).default(0).meta({ unit: 's', description: 'seconds after an edge in which further ones are passed over' }),
    })
    .prefault({}),
  anchors: z
    .object({
      first: clock.default('10:00').meta({ unit: 'time of day', description: 'when strikes are picked for the first time' }),
      last: clock.default('15:00').meta({ unit: 'time of day', description: 'the last anchor is not after it' }),
      every: z.number().int().min(1).default(60).meta({ unit: 'min', description: 'from one anchor to the next' }),
    })
    .refine(({ first, last }) => timeOfDay(first) <= timeOfDay(last), { path: ['last'], message: 'is before the first anchor' })
    .prefault({}),
  width: z.number().int().min(0).default(1).meta({ unit: 'strikes', description: 'n: strikes on either side of the money' }),
  series: z.enum(['nearest', 'weekly', 'monthly']).default('nearest').meta({ unit: '', description: 'whose next expiry is traded' }),
  types: z.enum(['both', 'CE', 'PE']).default('both').meta({ unit: '', description: 'calls, puts or both' }),
  spotAge: z.number().min(0).default(60).meta({ unit: 's', description: 'an older spot picks no strikes' }),
  direction: z.enum(['sell', 'buy']).default('sell').meta({ unit: '', description: 'how a position is entered' }),
  trend: z
    .object({
      filter: z
        .enum(['with', 'against', 'off'])
        .default('with')
        .meta({ unit: '', description: 'whether the position must gain by the way that the spot went since the anchor' }),
      leastMove: z.number().min(0).default(0).meta({ unit: 'points', description: 'how far the spot must have gone' }),
    })
    .prefault({}),
  leastPremium: z.number().min(0).default(0).meta({ unit: 'rupees', description: 'the least price at the anchor; 0: any' }),
  perAnchor: z.number().int().min(1).default(1).meta({ unit: 'positions', description: 'entered at an anchor, of each underlying' }),
  lots: z.number().int().min(1).default(1).meta({ unit: 'lots', description: 'of a position' }),
  stop: fraction.default(0.15).meta({ unit: 'of the entry', description: 'loss that ends it; 0: none' }),
  target: fraction.default(0.15).meta({ unit: 'of the entry', description: 'profit that ends it; 0: none' }),
  trail: fraction.default(0.1).meta({ unit: 'of the best price', description: 'way back from the best price that ends it; 0: none' }),
  trailAfter: fraction.default(0.1).meta({ unit: 'of the entry', description: 'profit from which on the trail is watched' }),
  hold: z.number().int().min(0).default(0).meta({ unit: 's', description: 'time after which it is ended; 0: none' }),
  squareOff: z
    .number()
    .int()
    .min(0)
    .default(900)
    .meta({ unit: 's', description: 'before the bell, from when on all is ended and nothing entered any more' }),
  slippage: z.number().min(0).default(1).meta({ unit: 'ticks', description: 'paid on the last price where the book is not known' }),
  maxAge: z.number().int().min(0).default(5).meta({ unit: 's', description: 'an older price is neither decided on nor filled at' }),
  brokerage: z.number().min(0).default(23.6).meta({ unit: 'rupees', description: 'of an order, taxes on it included' }),
  equityEvery: seconds.default(60).meta({ unit: 's', description: 'from one row of the account to the next' }),
})
