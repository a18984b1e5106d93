/** Length of a date that is written YYYY-MM-DD. */
export const DATE_LENGTH = 10
const NEWLINE = 10

export function isSame(known: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (known.length !== to - from) return false
  for (let i = known.length - 1; i >= 0; i--) if (known[i] !== bytes[from + i]) return false
  return true
}

/** Whether a date that is written YYYY-MM-DD lies before another one; a field without one does not. */
export function isEarlierDay(bytes: Uint8Array, from: number, to: number, date: Uint8Array): boolean {
  if (to - from < DATE_LENGTH || date.length < DATE_LENGTH) return false
  for (let i = 0; i < DATE_LENGTH; i++) if (bytes[from + i] !== date[i]) return bytes[from + i] < date[i]
  return false
}

export function lineEnd(bytes: Uint8Array, from: number): number {
  const at = bytes.indexOf(NEWLINE, from)
  return at < 0 ? bytes.length : at
}

export function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}
