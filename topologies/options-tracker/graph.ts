import { z } from 'zod'
import { Alert, type WatchRule } from '../../core/alerts.ts'
import { OptionQuote } from '../../core/optionQuote.ts'
import { HOUR, parseDate, startOfDay, UTC } from '../../core/time.ts'
import { topology } from '../../core/topology.ts'
import { greeks } from '../../operators/greeks.ts'
import { watch } from '../../operators/watch.ts'

const params = z.object({
  greeks: z
    .object({
      rate: z.number().min(-1).max(1).default(0).meta({ unit: '1/a', description: 'rate money earns a year, continuously: 0.065 for 6.5 %' }),
      expiresAt: z
        .number()
        .min(0)
        .max(24)
        .default(8)
        .meta({ unit: 'h', description: "when contracts stop to exist on the day of their expiry, UTC: 8 is Bybit's, 10 half past three in India" }),
      maxAge: z
        .number()
        .positive()
        .default(60)
        .meta({ unit: 's', description: "how old an underlying's price may be that greeks are computed from" }),
    })
    .prefault({}),
  rules: z
    .array(z.custom<WatchRule>())
    .default([])
    .meta({ unit: '', description: 'of alerts, as core/alerts.ts has them; tickloom tracker reads them from a file' }),
})

/** Quotes of options as they come, with the greeks that their feed does not say, and alerts of them; README.md beside this file. */
export default topology({
  name: 'options-tracker',
  version: 1,
  memory: 'everything',
  params,
  inputs: { ticks: OptionQuote },
  outputs: { quotes: OptionQuote, alerts: Alert },

  wire({ ticks }, at, { greeks: { rate, expiresAt, maxAge }, rules }) {
    const expiryTime = ({ expiry }: { readonly expiry: string }) => startOfDay(parseDate(expiry), UTC) + expiresAt * HOUR
    const quotes = ticks.pipe(greeks<OptionQuote>(at('greeks'), { rate, maxAge, expiryTime }))
    const alerts = quotes.pipe(watch(at('watch'), { schema: OptionQuote, rules }))
    return { quotes, alerts }
  },
})
