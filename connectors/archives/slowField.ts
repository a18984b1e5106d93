const QUOTE = 34
const NEWLINE = 10

/** 10^n, exact. */
export const POWERS: Float64Array = Float64Array.from({ length: 16 }, (_, n) => 10 ** n)

export function textOf(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from)
    .toString('utf8')
    .replace(/\r$/, '')
}

/** A number written in a way that is rare; NaN when it is missing, undefined when it is none. */
export function missingOrNumber(bytes: Uint8Array, from: number, to: number): number | undefined {
  const text = textOf(bytes, from, to).trim()
  if (text === '' || /^(?:null|nan|none|n\/?a|nil|-)$/i.test(text)) return NaN
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}

/**
 * The line with its quotes taken off, and a line break: a separator inside quotes (the thousands of a number) is left
 * out, a doubled quote is one. undefined when a quote is not closed.
 */
export function unquoted(bytes: Uint8Array, from: number, to: number, separator: number): Uint8Array | undefined {
  const plain = new Uint8Array(to - from + 1)
  let n = 0
  let inside = false
  for (let i = from; i < to; i++) {
    const c = bytes[i]
    if (c !== QUOTE) {
      if (!inside || c !== separator) plain[n++] = c
    } else if (inside && bytes[i + 1] === QUOTE) {
      i++
      // A quote is part of no number, time or name that is known here: it makes the field what it is, unreadable.
      plain[n++] = 0x3f
    } else inside = !inside
  }
  if (inside) return undefined
  plain[n++] = NEWLINE
  return plain.subarray(0, n)
}
