/** The partition of a key: the same choice as Kafka's own producers make, whatever client writes the record. */
export function partitionOf(key: string | Buffer, partitions: number): number {
  return (murmur2(typeof key === 'string' ? Buffer.from(key) : key) & 0x7fffffff) % partitions
}

const MULTIPLIER = 0x5bd1e995

/** Kafka's murmur2, as a signed 32-bit number. */
export function murmur2(bytes: Uint8Array): number {
  const n = bytes.length
  let hash = 0x9747b28c ^ n
  let i = 0
  for (; i + 4 <= n; i += 4) {
    let word = bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24)
    word = Math.imul(word, MULTIPLIER)
    word = Math.imul(word ^ (word >>> 24), MULTIPLIER)
    hash = Math.imul(hash, MULTIPLIER) ^ word
  }
  if (i < n) {
    for (let k = n - 1; k >= i; k--) hash ^= bytes[k] << (8 * (k - i))
    hash = Math.imul(hash, MULTIPLIER)
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER)
  return hash ^ (hash >>> 15)
}
