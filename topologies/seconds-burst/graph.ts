import { z } from 'zod'
import { Burst, Second } from '../../core/market.ts'
import { topology } from '../../core/topology.ts'
import { rollingBurst } from '../../operators/rollingBurst.ts'
import { Signal, signal } from '../../operators/signal.ts'

const wholeSeconds = z.number().int().min(1)

const params = z.object({
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

/** volume-burst from its seconds on: seconds to bursts, bursts to signals; README.md beside this file says what for. */
export default topology({
  name: 'seconds-burst',
  version: 1,
  memory: 'day',
  params,
  presets: {
    /** As volume-burst's preset of that name. */
    j1: { rollingBurst: { window: 30, baseline: 600 }, signal: { multiplier: 3, floor: 500, cooldown: 0 } },
  },
  inputs: { seconds: Second },
  outputs: { bursts: Burst, signals: Signal },

  wire({ seconds }, at, p) {
    const bursts = seconds.pipe(rollingBurst(at('rollingBurst'), p.rollingBurst))
    const signals = bursts.pipe(signal(at('signal'), p.signal))
    return { bursts, signals }
  },
})
