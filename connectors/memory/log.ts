import { type Batch, type Schema, sliceRows } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import type { Delivery, EpochEnd, Log, LogPartition, Position, SavedCheckpoint } from '../../core/ports.ts'

/** What a partition holds and who owns it. */
interface Shelf<S extends Schema> {
  readonly batches: Batch<S>[]
  kept: SavedCheckpoint[]
  announced: number | undefined
  /** Raised by each claim: the owner is whoever claimed last. */
  claims: number
  /** Wakes whoever waits for the next batch. */
  wake: () => void
  next: Promise<void>
}

/**
 * A live log in memory, for tests and examples: partitions by name, a position `{ batch, row }`. Its members share the
 * partitions out among themselves in the order in which they joined.
 */
export class MemoryLog<S extends Schema> {
  readonly #shelves: Readonly<Record<string, Shelf<S>>>
  readonly #members: ((partitions: readonly string[]) => void)[] = []

  constructor(partitions: readonly string[]) {
    this.#shelves = Object.fromEntries(partitions.map((name) => [name, shelf<S>()]))
  }

  /** Adds rows, or with no row a heartbeat, to the end of a partition. The batch is kept as it is. */
  append(partition: string, batch: Batch<S>): void {
    const to = this.#shelves[partition]
    to.batches.push(batch)
    const { wake } = to
    to.next = new Promise((resolve) => {
      to.wake = resolve
    })
    wake()
  }

  /** The checkpoint pieces committed of a partition. */
  kept(partition: string): readonly SavedCheckpoint[] {
    return this.#shelves[partition].kept
  }

  /** The log as one process of the group sees it. */
  member(): Log<S> {
    return {
      join: (assigned, signal) => this.#join(assigned, signal),
      claim: async (partition) => this.#claim(this.#shelves[partition]),
      close: async () => {},
    }
  }

  async #join(assigned: (partitions: readonly string[]) => void, signal: AbortSignal): Promise<void> {
    this.#members.push(assigned)
    this.#share()
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve())
    })
    this.#members.splice(this.#members.indexOf(assigned), 1)
    this.#share()
  }

  #share(): void {
    const names = Object.keys(this.#shelves)
    const members = [...this.#members]
    members.forEach((assigned, i) => {
      assigned(names.filter((_, k) => k % members.length === i))
    })
  }

  #claim(from: Shelf<S>): LogPartition<S> {
    const claim = ++from.claims
    let heardAt: number | undefined
    const delivered = new Set<number>()
    const own = (): void => {
      if (claim !== from.claims) throw new TickloomError('FENCED', 'somebody else claimed the partition')
    }
    return {
      get heardAt() {
        return heardAt
      },
      delivered: () => [...delivered],
      restore: async () => ({ kept: from.kept, announced: from.announced, claim }),
      async announce(epoch) {
        own()
        from.announced = epoch
      },
      notBeforeOldest: async (position) => position,
      async *open(position, signal) {
        for await (const delivery of deliveries(from, position, signal)) {
          heardAt = performance.now()
          const ids = delivery.batch.col['instrument'] as Int32Array | undefined
          for (let i = 0; ids !== undefined && i < delivery.batch.n; i++) delivered.add(ids[i])
          yield delivery
        }
      },
      async commit({ full, bytes }: EpochEnd) {
        own()
        from.announced = undefined
        from.kept = full ? [{ full, bytes }] : [...from.kept, { full, bytes }]
      },
      release: async () => {},
    }
  }
}

function shelf<S extends Schema>(): Shelf<S> {
  let wake = (): void => {}
  const next = new Promise<void>((resolve) => {
    wake = resolve
  })
  return { batches: [], kept: [], announced: undefined, claims: 0, wake, next }
}

async function* deliveries<S extends Schema>(from: Shelf<S>, position: Position | undefined, signal: AbortSignal): AsyncGenerator<Delivery<S>> {
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  let { batch, row } = (position ?? { batch: 0, row: 0 }) as { batch: number; row: number }
  for (;;) {
    signal.throwIfAborted()
    if (batch === from.batches.length) {
      await Promise.race([from.next, aborted])
      continue
    }
    const whole = from.batches[batch]
    const [at, before] = [batch, row]
    batch++
    row = 0
    const rest = before === 0 ? whole : sliceRows(whole, before, whole.n, whole.watermark)
    const waiting = from.batches.length - batch
    yield { batch: rest, waiting, after: (rows) => (before + rows >= whole.n ? { batch: at + 1, row: 0 } : { batch: at, row: before + rows }) }
  }
}
