import { type AbortedTransaction, type RecordSet, readLong } from './recordSet.ts'

export interface FetchPosition {
  readonly partition: number
  readonly offset: number
}

export interface Fetched extends RecordSet {
  /** Kafka's error code; 0 is none. */
  readonly error: number
  /** The offset below which all transactions are decided. */
  readonly stable: number
  /** The broker answered with nothing because a quota was used up. */
  readonly throttled: boolean
}

export interface FetchLimits {
  /** Milliseconds until an answer without records. */
  readonly wait: number
  readonly bytes: number
  readonly bytesPerPartition: number
}

/** Kafka's number of the request, and the version that is written and read here (Kafka 2.3 and later). */
export const FETCH = { apiKey: 1, apiVersion: 11, apiName: 'Fetch' } as const

/** Body of the request: read committed, without a fetch session. */
export function encodeFetch(topic: string, positions: readonly FetchPosition[], { wait, bytes, bytesPerPartition }: FetchLimits): Buffer {
  const name = Buffer.from(topic)
  const out = Buffer.alloc(25 + 4 + 2 + name.length + 4 + positions.length * 28 + 4 + 2)
  let at = 0
  const int32 = (value: number): void => void (at = out.writeInt32BE(value, at))
  const int64 = (value: number): void => void (at = out.writeBigInt64BE(BigInt(value), at))
  for (const value of [-1, wait, 1, bytes]) int32(value)
  at = out.writeInt8(1, at)
  for (const value of [0, -1, 1]) int32(value)
  at = out.writeInt16BE(name.length, at)
  at += name.copy(out, at)
  int32(positions.length)
  for (const { partition, offset } of positions) {
    int32(partition)
    int32(-1)
    int64(offset)
    int64(-1)
    int32(bytesPerPartition)
  }
  int32(0)
  out.writeInt16BE(0, at)
  return out
}

export function decodeFetch(payload: Buffer): Fetched[] {
  const fetched: Fetched[] = []
  const throttled = payload.readInt32BE(0) > 0
  const topError = payload.readInt16BE(4)
  let at = 14
  for (let topics = payload.readInt32BE(10); topics > 0; topics--) {
    const length = payload.readInt16BE(at)
    const topic = payload.toString('utf8', at + 2, (at += 2 + length))
    let partitions = payload.readInt32BE(at)
    at += 4
    for (; partitions > 0; partitions--) {
      const partition = payload.readInt32BE(at)
      const error = payload.readInt16BE(at + 4) || topError
      const stable = readLong(payload, at + 14)
      const aborted: AbortedTransaction[] = []
      let count = payload.readInt32BE(at + 30)
      at += 34
      for (; count > 0; count--, at += 16) aborted.push({ producer: payload.readBigInt64BE(at), firstOffset: readLong(payload, at + 8) })
      // The broker lists them by where they end.
      aborted.sort((a, b) => a.firstOffset - b.firstOffset)
      const size = Math.max(payload.readInt32BE(at + 4), 0)
      at += 8
      const bytes = payload.subarray(at, (at += size))
      fetched.push({ topic, partition, error, stable, throttled, aborted, bytes })
    }
  }
  return fetched
}
