import type { Answer } from './http.ts'
import { describeFailure } from './live.ts'
import type { LiveEvent } from './liveEvents.ts'

/**
 * How a live run is, from what happened to it.
 *
 *     /healthz   200 while every partition here is heard and none has failed; else 503 and a line for each that is not
 *     /readyz    200 once the group has shared its partitions out and those that came here are restored; else 503
 */
export class Health {
  #assigned: readonly string[] | undefined
  #left: string | undefined
  readonly #restored = new Set<string>()
  readonly #failed = new Map<string, string>()
  readonly #silent = new Set<string>()

  take(event: LiveEvent): void {
    if (event.type === 'assigned') {
      this.#assigned = event.partitions
      this.#left = undefined
      for (const partition of this.#failed.keys()) if (!event.partitions.includes(partition)) this.#failed.delete(partition)
    } else if (event.type === 'left') {
      this.#assigned = undefined
      this.#left = describeFailure(event.failure)
      this.#failed.clear()
    } else if (event.type === 'restored') {
      this.#restored.add(event.partition)
      this.#failed.delete(event.partition)
    } else if (event.type === 'released') {
      this.#restored.delete(event.partition)
      this.#silent.delete(event.partition)
    } else if (event.type === 'failed') this.#failed.set(event.partition, describeFailure(event.failure))
    else if (event.type === 'silent') this.#silent.add(event.gap.partition)
    else if (event.type === 'heard') this.#silent.delete(event.gap.partition)
  }

  /** What is wrong, a line each. */
  troubles(): string[] {
    return [
      ...(this.#left === undefined ? [] : [`the group was left and is joined again: ${this.#left}`]),
      ...[...this.#failed].map(([partition, why]) => `partition ${partition} failed and is tried again: ${why}`),
      ...[...this.#silent].map((partition) => `partition ${partition} is silent: neither ticks nor heartbeats arrive`),
    ]
  }

  healthz(): Answer {
    return lines(this.troubles())
  }

  readyz(): Answer {
    const assigned = this.#assigned
    if (assigned === undefined) return lines(['not yet a member of the group'])
    return lines(assigned.filter((partition) => !this.#restored.has(partition)).map((partition) => `partition ${partition} is being restored`))
  }
}

function lines(troubles: readonly string[]): Answer {
  return { status: troubles.length === 0 ? 200 : 503, type: 'text/plain', text: `${troubles.length === 0 ? 'ok' : troubles.join('\n')}\n` }
}
