import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { TickloomError } from '../../../core/errors.ts'
import type { KafkaRecord, RecordBatch } from '../driver.ts'

export interface AbortedTransaction {
  readonly producer: bigint
  readonly firstOffset: number
}

export interface RecordSet {
  readonly topic: string
  readonly partition: number
  /** The record batches as they came, the last one possibly cut off. */
  readonly bytes: Buffer
  /** Transactions that were aborted and have records in here, in the order of their first offsets. */
  readonly aborted: readonly AbortedTransaction[]
}

/** Records of one batch of the log, uncompressed. */
interface Segment {
  /** Index of its first record in the whole. */
  first: number
  readonly bytes: Buffer
  readonly start: number
  readonly count: number
  readonly baseOffset: number
  readonly baseTime: number
  /** Where the broker stamped the records, its stamp; otherwise each has its own. */
  readonly appended: number | undefined
}

const HEADER = 61
const COMPRESSION = 0x07
const APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20

/**
 * The committed records from offset `from` on and below `to`, as columns. `n` is 0 where there are only records that
 * were aborted, or marks of transactions; `next` is past them.
 */
export function decodeRecords(set: RecordSet, from: number, to = Infinity): RecordBatch {
  const segments: Segment[] = []
  const end = Math.min(collectSegments(set, segments), to)
  return new Columns(set, segments, from, Math.max(end, from))
}

/** Appends the committed batches; returns the offset after the last whole one, 0 when there is none. */
function collectSegments({ bytes, aborted, topic, partition }: RecordSet, into: Segment[]): number {
  const aborting = new Set<bigint>()
  let [end, seen] = [0, 0]
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const after = at + 12 + bytes.readInt32BE(at + 8)
    if (after > bytes.length) break
    if (bytes[at + 16] !== 2) throw unreadable(topic, partition, `a record format (${bytes[at + 16]}) older than Kafka 0.11`)
    const baseOffset = readLong(bytes, at)
    const attributes = bytes.readInt16BE(at + 21)
    const last = baseOffset + bytes.readInt32BE(at + 23)
    const producer = bytes.readBigInt64BE(at + 43)
    while (seen < aborted.length && aborted[seen].firstOffset <= last) aborting.add(aborted[seen++].producer)
    if (attributes & CONTROL) {
      if (isAbort(bytes, at + HEADER)) aborting.delete(producer)
    } else if (!(attributes & TRANSACTIONAL && aborting.has(producer))) {
      const codec = attributes & COMPRESSION
      const body = codec === 0 ? bytes : decompress(codec, bytes.subarray(at + HEADER, after), topic, partition)
      into.push({
        first: 0,
        bytes: body,
        start: codec === 0 ? at + HEADER : 0,
        count: bytes.readInt32BE(at + 57),
        baseOffset,
        baseTime: readLong(bytes, at + 27),
        appended: attributes & APPEND_TIME ? readLong(bytes, at + 35) : undefined,
      })
    }
    end = last + 1
    at = after
  }
  return end
}

/** Whether the mark of a transaction's end, the record at `at`, says that it was aborted. */
function isAbort(bytes: Buffer, at: number): boolean {
  const cursor = new Cursor(bytes, at)
  cursor.varint()
  cursor.at++
  cursor.varlong()
  cursor.varint()
  cursor.varint()
  return bytes.readInt16BE(cursor.at + 2) === 0
}

function decompress(codec: number, bytes: Buffer, topic: string, partition: number): Buffer {
  if (codec === 1) return gunzipSync(bytes)
  if (codec === 4) return zstdDecompressSync(bytes)
  throw unreadable(topic, partition, `${['', '', 'snappy', 'lz4'][codec] ?? 'unknown'} compression; use none, gzip or zstd`)
}

function unreadable(topic: string, partition: number, what: string): TickloomError {
  return new TickloomError('KAFKA_TOPIC', `Partition ${partition} of ${topic} holds ${what}`, { topic, partition })
}

/** Of a signed 64-bit number below 2^53. */
export function readLong(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4)
}

class Columns implements RecordBatch {
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly next: number
  readonly n: number
  readonly bytes: number
  readonly values: readonly (Buffer | null)[]
  readonly offsets: Float64Array
  readonly timestamps: Float64Array
  readonly #segments: Segment[]
  readonly #starts: Uint32Array

  constructor({ topic, partition }: RecordSet, segments: Segment[], from: number, next: number) {
    this.topic = topic
    this.partition = partition
    this.from = from
    this.next = next
    this.#segments = segments
    const most = segments.reduce((sum, { count }) => sum + count, 0)
    const values: (Buffer | null)[] = []
    this.offsets = new Float64Array(most)
    this.timestamps = new Float64Array(most)
    this.#starts = new Uint32Array(most)
    let [n, size] = [0, 0]
    for (const segment of segments) {
      const { count, baseOffset, baseTime, appended, bytes } = segment
      segment.first = n
      const cursor = new Cursor(bytes, segment.start)
      for (let i = 0; i < count; i++) {
        const length = cursor.varint()
        const start = cursor.at
        cursor.at++
        const time = baseTime + cursor.varlong()
        const offset = baseOffset + cursor.varint()
        if (offset >= from && offset < next) {
          const value = cursor.skipped().slice()
          if (value !== null) size += value.length
          values.push(value)
          this.offsets[n] = offset
          this.timestamps[n] = appended ?? time
          this.#starts[n++] = start
        }
        cursor.at = start + length
      }
    }
    this.n = n
    this.bytes = size
    this.values = values
  }

  record(i: number): KafkaRecord {
    const segment = this.#segments.findLast(({ first }) => first <= i)
    if (segment === undefined || i >= this.n) throw new RangeError(`record ${i} of ${this.n}`)
    const cursor = new Cursor(segment.bytes, this.#starts[i] + 1)
    cursor.varlong()
    cursor.varint()
    const key = cursor.slice()
    const value = cursor.slice()
    const headers: Record<string, string> = {}
    for (let left = cursor.varint(); left > 0; left--) {
      const name = String(cursor.slice())
      headers[name] = cursor.slice()?.toString() ?? ''
    }
    return { key, value, headers, timestamp: this.timestamps[i], offset: this.offsets[i] }
  }
}

class Cursor {
  readonly #bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  varint(): number {
    const bytes = this.#bytes
    let byte = bytes[this.at++]
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let raw = byte & 0x7f
    let shift = 7
    do {
      byte = bytes[this.at++]
      raw |= (byte & 0x7f) << shift
      shift += 7
    } while (byte >= 0x80)
    return (raw >>> 1) ^ -(raw & 1)
  }

  /** Below 2^53. */
  varlong(): number {
    const bytes = this.#bytes
    let byte = bytes[this.at++]
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let raw = byte & 0x7f
    let scale = 0x80
    do {
      byte = bytes[this.at++]
      raw += (byte & 0x7f) * scale
      scale *= 0x80
    } while (byte >= 0x80)
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
  }

  /** Moves past a byte string. */
  skipped(): this {
    const length = this.varint()
    if (length > 0) this.at += length
    return this
  }

  /** The byte string here, without copying it; null where the log has null. */
  slice(): Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    return this.#bytes.subarray(this.at, (this.at += length))
  }
}
