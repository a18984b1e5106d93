import type { Alert, WatchRule } from '../../core/alerts.ts'
import type { Batch } from '../../core/batch.ts'
import type { Destination, Flushed } from '../../core/ports.ts'
import { type FeedClock, systemClock } from '../feeds/clock.ts'
import { Courier, type CourierCounts, type CourierOptions } from './courier.ts'
import { noteOf } from './message.ts'
import type { Target } from './target.ts'

export interface WebhookOptions extends Partial<Omit<CourierOptions, 'target' | 'clock'>> {
  readonly target: Target
  /** Those of the operator `watch`, in its order. */
  readonly rules: readonly WatchRule[]
  /** The output that has alerts; others are passed over. */
  readonly output?: string
  readonly clock?: FeedClock
}

export interface WebhookDestination extends Destination {
  counts(): Readonly<CourierCounts> & { readonly waiting: number }
}

const times = { timeout: 10_000, giveUpAfter: 10 * 60_000, grace: 5000, idle: 45_000, backoff: { first: 1000, most: 60_000 } }

/**
 * Tells alerts by HTTP. A flush waits for nothing: alerts have a queue of their own, bounded, and a slow receiver delays
 * no quote.
 *
 * Guarantee: at least once while the process lives, unless it is dropped from a full queue, refused, or given up, each
 * of which is counted and said. `close` tries what waits for `grace`. An alert that was not sent when the process died
 * is not sent again. The receiver drops repetitions by the id.
 */
export function webhookDestination(options: WebhookOptions): WebhookDestination {
  const { target, rules, output = 'alerts', clock = systemClock, say = () => {} } = options
  const courier = new Courier({ most: 1000, ...times, ...options, clock, say })
  const flushed: Flushed = { rows: 0, bytes: 0 }
  return {
    name: target.name,
    open: async ({ instruments }) => ({
      write(from, batch) {
        if (from !== output) return
        for (let row = 0; row < batch.n; row++) courier.add(noteOf(batch as unknown as Batch<Alert>, row, rules, instruments))
      },
      flush: async () => flushed,
      close: async () => {},
    }),
    counts: () => ({ ...courier.counts, waiting: courier.waiting }),
    close: () => courier.close(),
  }
}
