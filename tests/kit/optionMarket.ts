import { TickloomError } from '../../core/errors.ts'
import type { OptionMarket } from '../../core/optionMarket.ts'
import { parseDate } from '../../core/time.ts'
import { nseCalendar } from '../../markets/nse/calendar.ts'

const steps: Readonly<Record<string, number>> = { NIFTY: 50, BANKNIFTY: 100, ENDED: 100 }

/** A market of round numbers, on the hours of the NSE: NIFTY and BANKNIFTY expire on 2025-01-09; nothing of ENDED does. */
export const roundMarket: OptionMarket = {
  calendar: nseCalendar,
  strikeStep(underlying) {
    const step = steps[underlying]
    if (step === undefined) throw new TickloomError('INSTRUMENT_INVALID', `no ${underlying} here`)
    return step
  },
  tick: () => 0.05,
  expiry: (underlying, day) => (underlying === 'ENDED' || day > parseDate('2025-01-09') ? undefined : '2025-01-09'),
  expires: ({ expiry }) => parseDate(expiry),
  lot: () => 10,
  freeze: () => 1000,
  fees: () => ({ stt: 0, exchange: 0, ipft: 0, sebi: 0, stamp: 0, gst: 0, brokerage: 0 }),
}
