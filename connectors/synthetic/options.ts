import { z } from 'zod'
import { attach, parseDate, UTC } from '../../core/time.ts'

const share = z.number().min(0).max(1)
const clock = z.string().refine((text) => !Number.isNaN(attach(`1970-01-01 ${text}`, UTC)), 'is not a time (HH:MM)')
const date = z.string().refine((text) => !Number.isNaN(parseDate(text)), 'is not a date (YYYY-MM-DD)')

/** What a synthetic market is made of. Everything has a default, and everything follows from it: same options, same bytes. */
export const SyntheticOptions = z
  .strictObject({
    seed: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).default(7).meta({ unit: '', description: 'start of the random numbers' }),
    from: date.default('2025-01-06').meta({ unit: 'date', description: 'first day; weekends are passed over, holidays are not known here' }),
    days: z.number().int().positive().default(1).meta({ unit: 'weekdays', description: 'how many days, each a partition' }),
    symbol: z
      .string()
      .regex(/^[^:]+$/)
      .default('NIFTY')
      .meta({ unit: '', description: 'the underlying' }),
    spot: z.number().positive().default(24000).meta({ unit: 'points', description: 'level around which each day opens' }),
    volatility: z.number().nonnegative().default(0.15).meta({ unit: 'a year', description: 'of the spot; premiums are priced with it too' }),
    strikes: z
      .number()
      .int()
      .nonnegative()
      .default(20)
      .meta({ unit: 'strikes', description: 'around the money, each with a CE and a PE; 0 gives the spot alone' }),
    step: z.number().positive().default(50).meta({ unit: 'points', description: 'between strikes' }),
    lot: z.number().int().positive().default(75).meta({ unit: 'contracts', description: 'size of a lot; volumes and open interest are multiples' }),
    open: clock.default('09:15').meta({ unit: 'IST', description: 'of the session' }),
    close: clock.default('15:30').meta({ unit: 'IST', description: 'of the session' }),
    rate: z.number().positive().max(1000).default(1).meta({ unit: 'snapshots/s', description: 'an instrument, on average' }),
    stamp: z.enum(['second', 'microsecond']).default('second').meta({ unit: '', description: 'whole seconds as Indian feeds have them, or exact' }),
    duplicates: share.default(0.02).meta({ unit: 'share', description: 'rows that are followed by another of the same time' }),
    conflicts: share.default(0.5).meta({ unit: 'share', description: 'of these duplicates, those that differ from the first' }),
    late: share.default(0.001).meta({ unit: 'share', description: 'rows that arrive 1 to 10 s after their time' }),
    resets: z.number().int().nonnegative().default(2).meta({ unit: 'a day', description: 'falls of a cumulative volume to 0' }),
    offSession: z
      .boolean()
      .default(true)
      .meta({ unit: '', description: 'rows of the 8 minutes before the open, at stale prices, and the 5 after the close' }),
    quiet: share.default(0.1).meta({ unit: 'share', description: 'contracts that have a row only every 50 s or so' }),
    quietStretch: z.number().int().nonnegative().default(60).meta({ unit: 's', description: 'a time in mid-session at which nothing ticks at all' }),
  })
  .refine(({ open, close }) => open < close, { path: ['close'], message: 'is not after open' })

/** The options as they are given: all of them optional. */
export type SyntheticOptions = z.input<typeof SyntheticOptions>
/** The options with the defaults filled in. */
export type MarketOptions = z.output<typeof SyntheticOptions>
