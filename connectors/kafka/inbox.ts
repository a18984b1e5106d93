import type { RecordBatch } from './driver.ts'

/** How much of one partition may wait for the graph before the reader stands still. */
export interface InboxLimits {
  readonly records: number
  readonly bytes: number
}

export const inboxLimits: InboxLimits = { records: 400_000, bytes: 32 * 1024 * 1024 }

/** What moves the reader of the partition. */
export interface Valve {
  pause(): void
  resume(): void
}

/**
 * Fetched records of one partition on their way to the graph. Above a limit the reader is paused, below half of it
 * resumed, so that memory is bounded while the group goes on hearing from this process.
 */
export class Inbox {
  /** When something last came, by performance.now(). */
  heardAt: number | undefined
  /** The offset after the last record taken in: where reading goes on. */
  next: number
  readonly #limits: InboxLimits
  readonly #valve: Valve
  readonly #waiting: RecordBatch[] = []
  #records = 0
  #bytes = 0
  #full = false
  #wake: () => void = () => {}

  constructor(from: number, valve: Valve, limits: InboxLimits = inboxLimits) {
    this.next = from
    this.#valve = valve
    this.#limits = limits
  }

  /** Records that wait to be taken. */
  get records(): number {
    return this.#records
  }

  get full(): boolean {
    return this.#full
  }

  /** Takes a batch in unless it is one that was fetched before the reader was moved: false, and nothing changed. */
  put(batch: RecordBatch): boolean {
    if (batch.from !== this.next) return false
    this.heardAt = performance.now()
    this.next = batch.next
    this.#waiting.push(batch)
    this.#records += batch.n
    this.#bytes += batch.bytes
    if (!this.#full && (this.#records >= this.#limits.records || this.#bytes >= this.#limits.bytes)) {
      this.#full = true
      this.#valve.pause()
    }
    this.#wake()
    return true
  }

  /** The next batch, when there is one. Throws the signal's reason when it is aborted. */
  async take(signal: AbortSignal): Promise<RecordBatch> {
    while (this.#waiting.length === 0) await this.#arrival(signal)
    signal.throwIfAborted()
    const batch = this.#waiting.shift() as RecordBatch
    this.#records -= batch.n
    this.#bytes -= batch.bytes
    if (this.#full && this.#records <= this.#limits.records / 2 && this.#bytes <= this.#limits.bytes / 2) {
      this.#full = false
      this.#valve.resume()
    }
    return batch
  }

  #arrival(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const aborted = (): void => reject(signal.reason)
      signal.addEventListener('abort', aborted, { once: true })
      this.#wake = () => {
        signal.removeEventListener('abort', aborted)
        resolve()
      }
    })
  }
}
