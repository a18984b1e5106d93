import type { Gap } from '../connectors/feeds/feed.ts'
import { messageOf } from '../core/errors.ts'
import type { Answer } from '../runtime/http.ts'
import type { SteadyState } from '../runtime/steadySink.ts'

/** What a tracker's health is told of. Times in milliseconds of performance.now(). */
export interface HealthOptions {
  /** How long nothing may come, a connection be lost, a write fail or take, in seconds. */
  readonly silence: number
  stores(): readonly SteadyState[]
  /** Of what runs beside the databases. */
  others(): readonly string[]
}

/**
 * How a tracker is: 200 while quotes come and are written, else 503 and a line for each thing that is wrong.
 *
 *     nothing came, no heartbeat either, for `silence`
 *     a connection has been lost for `silence`: its symbols are not quoted
 *     a database has not taken a write: at once when it said why, after `silence` when it says nothing
 */
export class TrackerHealth {
  readonly #options: HealthOptions
  readonly #lost = new Map<number, { readonly gap: Gap; readonly since: number }>()
  #messages = 0
  #heardAt = performance.now()
  gaps = 0

  constructor(options: HealthOptions) {
    this.#options = options
  }

  /** How many messages there were so far. */
  heard(messages: number): void {
    if (messages === this.#messages) return
    this.#messages = messages
    this.#heardAt = performance.now()
  }

  gap(gap: Gap): void {
    if (!Number.isNaN(gap.to)) this.#lost.delete(gap.id)
    else {
      this.gaps++
      // What the exchange refuses is never sent: there is nothing to wait for.
      if (gap.reason !== 'refused') this.#lost.set(gap.id, { gap, since: performance.now() })
    }
  }

  troubles(): string[] {
    const { silence, stores, others } = this.#options
    const now = performance.now()
    const long = (since: number): boolean => now - since > silence * 1000
    const ago = (since: number): string => `${Math.round((now - since) / 1000)} s`
    return [
      ...(long(this.#heardAt) ? [`nothing came for ${ago(this.#heardAt)}, not even a heartbeat`] : []),
      ...[...this.#lost.values()]
        .filter(({ since }) => long(since))
        .map(
          ({ gap, since }) =>
            `connection ${gap.connection} has been ${gap.reason} for ${ago(since)}: ${gap.instruments.length} symbols are not quoted`,
        ),
      ...stores().flatMap(({ name, failing, busySince }) => {
        if (failing !== undefined) return [`${name} has not taken a write for ${ago(failing.since)}: ${messageOf(failing.failure)}`]
        return busySince !== undefined && long(busySince) ? [`${name} has not answered a write for ${ago(busySince)}`] : []
      }),
      ...others(),
    ]
  }

  healthz(): Answer {
    const troubles = this.troubles()
    return { status: troubles.length === 0 ? 200 : 503, type: 'text/plain', text: `${troubles.length === 0 ? 'ok' : troubles.join('\n')}\n` }
  }
}
