import { z } from 'zod'
import type { WatchRule } from '../../core/alerts.ts'
import { topology } from '../../core/topology.ts'
import { wiring } from './wiring.ts'

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
export default topology({ ...wiring, params })
