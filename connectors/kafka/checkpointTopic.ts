import { TickloomError } from '../../core/errors.ts'
import type { SavedCheckpoint } from '../../core/ports.ts'
import type { NewRecord, RangeReader } from './driver.ts'

/** A record's value at most; brokers take a mebibyte by default. */
const CHUNK = 900_000

/** What says which records make up the checkpoint of a partition. */
interface Head {
  readonly version: 1
  readonly epoch: number
  /** Number of the full checkpoint, so that a chunk of another one is told from its own. */
  readonly chain: number
  /** Chunks of the full checkpoint, then of each difference. */
  readonly chunks: readonly number[]
  /** Records below this offset were sent to the dead letters where they had to. */
  readonly judged: number
  /** The epoch up to which the next commit goes, when it was announced. */
  readonly announced?: number
  /** The highest claim so far: that of the last owner. */
  readonly claims: number
}

/**
 * The checkpoints of one partition in a compacted topic, in the partition of the same number:
 *
 *     <partition>/0/<chunk>   the full checkpoint
 *     <partition>/<k>/<chunk> difference k after it
 *     <partition>/head        Head: written with each of them, in one transaction
 *
 * A new full checkpoint takes the place of the old one under the same keys and deletes what it no longer needs, so
 * that after compaction one chain is left.
 */
export class CheckpointTopic {
  readonly #topic: string
  readonly #partition: number
  #head: Head = { version: 1, epoch: 0, chain: 0, chunks: [], judged: 0, claims: 0 }

  constructor(topic: string, partition: number) {
    this.#topic = topic
    this.#partition = partition
  }

  get judged(): number {
    return this.#head.judged
  }

  get claims(): number {
    return this.#head.claims
  }

  get announced(): number | undefined {
    return this.#head.announced
  }

  /** What was committed last. To be called after the partition's producer was opened, so that no commit is under way. Throws CHECKPOINT_CORRUPT. */
  async read(reader: RangeReader): Promise<SavedCheckpoint[]> {
    const values = new Map<string, { value: Buffer; chain: number }>()
    for await (const batch of reader.read({ topic: this.#topic, partition: this.#partition })) {
      for (let i = 0; i < batch.n; i++) {
        const { key, value, headers } = batch.record(i)
        if (key === null) continue
        if (value === null) values.delete(key.toString())
        else values.set(key.toString(), { value, chain: Number(headers['chain']) })
      }
    }
    const head = values.get(this.#key('head'))
    if (head === undefined) return []
    this.#head = JSON.parse(head.value.toString()) as Head
    return this.#head.chunks.map((chunks, k) => {
      const parts = Array.from({ length: chunks }, (_, chunk) => values.get(this.#key(`${k}/${chunk}`)))
      if (parts.some((part) => part?.chain !== this.#head.chain))
        throw new TickloomError(
          'CHECKPOINT_CORRUPT',
          `topic ${this.#topic}: piece ${k} of the checkpoint of partition ${this.#partition} is not whole`,
          {
            topic: this.#topic,
            partition: this.#partition,
          },
        )
      return { full: k === 0, bytes: Buffer.concat(parts.map((part) => (part as { value: Buffer }).value)) }
    })
  }

  /** The records that make this the checkpoint, and what to call once they are committed. */
  write(epoch: number, { full, bytes }: SavedCheckpoint, judged: number): { readonly records: NewRecord[]; committed(): void } {
    const before = this.#head
    const parts = chunksOf(bytes)
    const chain = full ? before.chain + 1 : before.chain
    const chunks = full ? [parts.length] : [...before.chunks, parts.length]
    const head: Head = { version: 1, epoch, chain, chunks, judged, claims: before.claims }
    const k = chunks.length - 1
    const records: NewRecord[] = parts.map((value, chunk) => ({ key: this.#key(`${k}/${chunk}`), value, headers: { chain: String(chain) } }))
    if (full) records.push(...this.#leftovers(before.chunks, parts.length))
    records.push({ key: this.#key('head'), value: Buffer.from(JSON.stringify(head)) })
    return {
      records,
      committed: () => {
        this.#head = head
      },
    }
  }

  /** The record that says, between two checkpoints, how far dead letters were sent, what was announced, or that the owner is another. */
  amend(change: Pick<Head, 'judged' | 'announced'> & Partial<Pick<Head, 'claims'>>): { readonly records: NewRecord[]; committed(): void } {
    const head = { ...this.#head, ...change }
    return {
      records: [{ key: this.#key('head'), value: Buffer.from(JSON.stringify(head)) }],
      committed: () => {
        this.#head = head
      },
    }
  }

  /** Deletions of the chunks of the old chain that the new one does not write over. */
  #leftovers(before: readonly number[], chunks: number): NewRecord[] {
    return before.flatMap((count, k) =>
      Array.from({ length: count }, (_, chunk) => chunk)
        .filter((chunk) => k > 0 || chunk >= chunks)
        .map((chunk) => ({ key: this.#key(`${k}/${chunk}`), value: null })),
    )
  }

  #key(rest: string): string {
    return `${this.#partition}/${rest}`
  }
}

function chunksOf(bytes: Uint8Array): Buffer[] {
  const count = Math.max(1, Math.ceil(bytes.length / CHUNK))
  return Array.from({ length: count }, (_, i) => Buffer.from(bytes.subarray(i * CHUNK, (i + 1) * CHUNK)))
}
