/**
 * Decompresses a block of Snappy that must have `size` bytes; `padding` readable bytes lie behind what is answered.
 * Throws RangeError where it is damaged.
 */
export function unsnap(from: Uint8Array, size: number, padding: number): Uint8Array {
  const to = new Uint8Array(size + padding)
  let at = 0
  let length = 0
  for (let shift = 0; ; shift += 7) {
    const byte = from[at++]
    if (byte === undefined || shift > 28) throw damaged()
    length += (byte & 127) * 2 ** shift
    if (byte < 128) break
  }
  if (length !== size) throw damaged()
  let n = 0
  while (at < from.length) {
    const tag = from[at++]
    if ((tag & 3) === 0) {
      let run = tag >> 2
      if (run >= 60) {
        const wide = run - 59
        run = 0
        for (let i = 0; i < wide; i++) run += from[at + i] * 2 ** (8 * i)
        at += wide
      }
      run++
      if (!(at + run <= from.length) || n + run > size) throw damaged()
      copy(from, at, to, n, run)
      at += run
      n += run
      continue
    }
    const near = (tag & 3) === 1
    const wide = near ? 1 : (tag & 3) === 2 ? 2 : 4
    const run = near ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1
    let back = near ? (tag >> 5) * 256 : 0
    for (let i = 0; i < wide; i++) back += from[at + i] * 2 ** (8 * i)
    at += wide
    if (!(back > 0 && back <= n) || n + run > size) throw damaged()
    // What is copied may reach into what is being written: then it repeats itself.
    if (back >= run) copy(to, n - back, to, n, run)
    else for (let i = 0; i < run; i++) to[n + i] = to[n - back + i]
    n += run
  }
  if (n !== size) throw damaged()
  return to.subarray(0, size)
}

function copy(from: Uint8Array, at: number, to: Uint8Array, n: number, run: number): void {
  if (run > 64) to.set(from.subarray(at, at + run), n)
  else for (let i = 0; i < run; i++) to[n + i] = from[at + i]
}

function damaged(): RangeError {
  return new RangeError('a page is damaged inside its compression')
}
