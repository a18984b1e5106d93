import type { Instruments } from '../core/instruments.ts'
import type { LogPartition } from '../core/ports.ts'
import type { Gap, LiveEvent } from './liveEvents.ts'

/** Milliseconds between two looks. */
const LOOK_EVERY = 250

export interface SilenceOptions {
  readonly partition: string
  /** Milliseconds without a record that are too long. */
  readonly silence: number
  readonly claimed: LogPartition
  readonly instruments: Instruments
  /** Event time reached before, microseconds. */
  readonly eventTime: number | undefined
  tell(event: LiveEvent): void
}

/**
 * Watches the wall clock beside a partition: a feed sends a heartbeat each second, so a partition in which nothing at
 * all arrives has lost its feed. Tells `silent` once, and `heard` with the whole gap when the feed is back.
 */
export class Silence {
  readonly #options: SilenceOptions
  readonly #timer: NodeJS.Timeout
  readonly #started = performance.now()
  #eventTime: number
  #gap: Gap | undefined

  constructor(options: SilenceOptions) {
    this.#options = options
    this.#eventTime = options.eventTime ?? -Infinity
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY)
    this.#timer.unref()
  }

  /** The event time that the partition has come to. */
  reached(eventTime: number): void {
    if (this.#gap !== undefined && eventTime > this.#gap.from) this.#ends(eventTime)
    this.#eventTime = eventTime
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const { claimed, silence, partition, instruments, tell } = this.#options
    const heard = claimed.heardAt ?? this.#started
    if (this.#gap !== undefined || performance.now() - heard < silence) return
    const names = claimed.delivered().map((id) => instruments.name(id))
    this.#gap = { partition, from: this.#eventTime, to: undefined, instruments: names.sort() }
    tell({ type: 'silent', gap: this.#gap })
  }

  #ends(eventTime: number): void {
    const gap = { ...(this.#gap as Gap), to: eventTime }
    this.#gap = undefined
    this.#options.tell({ type: 'heard', gap })
  }
}
