import { Alert, type WatchRule } from '../../core/alerts.ts'
import { OptionQuote } from '../../core/optionQuote.ts'
import type { At } from '../../core/step.ts'
import { HOUR, parseDate, startOfDay, UTC } from '../../core/time.ts'
import type { Streams } from '../../core/topology.ts'
import { greeks } from '../../operators/greeks.ts'
import { watch } from '../../operators/watch.ts'

/** graph.ts says what they mean, their units and defaults. */
export type TrackerParams = {
  readonly greeks: { readonly rate: number; readonly expiresAt: number; readonly maxAge: number }
  readonly rules: readonly WatchRule[]
}

/** As graph.ts has them. */
export const defaults: TrackerParams = { greeks: { rate: 0, expiresAt: 8, maxAge: 60 }, rules: [] }

const inputs = { ticks: OptionQuote } as const
const outputs = { quotes: OptionQuote, alerts: Alert } as const

/** The topology without the description of its parameters, which takes zod, and zod nine megabytes. */
export const wiring = {
  name: 'options-tracker',
  version: 1,
  memory: 'everything' as const,
  inputs,
  outputs,

  wire({ ticks }: Streams<typeof inputs>, at: At, { greeks: { rate, expiresAt, maxAge }, rules }: TrackerParams): Streams<typeof outputs> {
    const expiryTime = ({ expiry }: { readonly expiry: string }) => startOfDay(parseDate(expiry), UTC) + expiresAt * HOUR
    const quotes = ticks.pipe(greeks<OptionQuote>(at('greeks'), { rate, maxAge, expiryTime }))
    const alerts = quotes.pipe(watch(at('watch'), { schema: OptionQuote, rules }))
    return { quotes, alerts }
  },
}
