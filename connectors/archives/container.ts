import { Damage } from './reasons.ts'

/** One file of data inside an input, to be read once, before the next is asked for. */
export interface Member {
  /** Its path inside the input, with ! between a container and what is inside; the file's own name for a plain file. */
  readonly name: string
  /** Throws Damage when the container breaks off or is not what it says it is. */
  readonly pieces: AsyncIterable<Uint8Array>
}

/** A Parquet file inside an input, on disk until the next member is asked for: it is read from its end. */
export interface ParquetMember {
  readonly name: string
  readonly parquet: string
}

/** A member or container that cannot be read at all. */
export interface Unreadable {
  readonly name: string
  readonly damage: Damage
}

export type Found = Member | ParquetMember | Unreadable

export function isUnreadable(entry: Found): entry is Unreadable {
  return 'damage' in entry
}

export type Kind = 'zip' | 'gzip' | '7z' | 'tar' | 'parquet' | 'plain'

/** Bytes that tell a container. */
export const HEAD = 512

/** What begins with these bytes, up to HEAD of them. */
export function kindOf(head: Uint8Array): Kind {
  const begins = (...bytes: number[]): boolean => bytes.every((byte, i) => head[i] === byte)
  if (begins(0x50, 0x4b, 3, 4) || begins(0x50, 0x4b, 5, 6)) return 'zip'
  if (begins(0x1f, 0x8b)) return 'gzip'
  if (begins(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c)) return '7z'
  if (begins(0x50, 0x41, 0x52, 0x31)) return 'parquet'
  if (head.length >= 262 && Buffer.from(head.subarray(257, 262)).toString('latin1') === 'ustar') return 'tar'
  return 'plain'
}

/** What a library says of broken bytes, in the ledger's words. */
export function damageOf(cause: unknown, name: string): Damage {
  if (cause instanceof Damage) return cause
  const { code, message } = cause as NodeJS.ErrnoException
  const broken = code === 'Z_BUF_ERROR' || /unexpected end/i.test(message)
  return new Damage(broken ? 'truncated_container' : 'corrupt_container', `${name}: ${message}`)
}

/** The first bytes of a stream, and the whole stream again. */
export async function peek(
  pieces: AsyncIterable<Uint8Array>,
  bytes: number,
): Promise<{ head: Uint8Array; whole: AsyncIterable<Uint8Array>; failed: unknown }> {
  const iterator = pieces[Symbol.asyncIterator]()
  const taken: Uint8Array[] = []
  let length = 0
  let failed: unknown
  let ended = false
  while (length < bytes && !ended) {
    try {
      const next = await iterator.next()
      if (next.done) ended = true
      else if (next.value.length > 0) {
        // A library may use its memory again.
        taken.push(next.value)
        length += next.value.length
      }
    } catch (cause) {
      failed = cause
      ended = true
    }
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      yield* taken
      if (failed !== undefined) throw failed
      while (!ended) {
        const next = await iterator.next()
        if (next.done) return
        yield next.value
      }
    } finally {
      await iterator.return?.()
    }
  }
  const head = taken.length === 1 ? taken[0] : Buffer.concat(taken)
  return { head: head.subarray(0, bytes), whole: whole(), failed }
}
