import type { NewRecord } from './driver.ts'

/** Below the broker's default for the largest batch, 1 MiB, with room for what surrounds the records. */
const MOST_BYTES = 900_000
/** kafkajs copies the list of records once a record: what it takes grows with the square of the batch. */
const MOST_RECORDS = 2_000
const OVERHEAD = 24

/** The records in their order, cut so that each cut fits one batch of the log. A record larger than that is alone. */
export function* slices(records: readonly NewRecord[], most = MOST_BYTES): Generator<readonly NewRecord[]> {
  let [start, bytes] = [0, 0]
  for (let i = 0; i < records.length; i++) {
    const size = sizeOf(records[i])
    if (i > start && (bytes + size > most || i - start >= MOST_RECORDS)) {
      yield start === 0 && i === records.length ? records : records.slice(start, i)
      ;[start, bytes] = [i, 0]
    }
    bytes += size
  }
  if (start < records.length) yield start === 0 ? records : records.slice(start)
}

function sizeOf({ key, value, headers }: NewRecord): number {
  let size = OVERHEAD + (key?.length ?? 0) * (typeof key === 'string' ? 3 : 1) + (value?.length ?? 0)
  if (headers !== undefined) for (const name in headers) size += 4 + 3 * (name.length + headers[name].length)
  return size
}
