import { type Leaf, PHYSICAL } from './footer.ts'

/** Values of a physical type, one after the other, as doubles: from value `first` of `bytes` on, n of them, to into[at..]. */
export type ReadF64 = (bytes: Uint8Array, first: number, n: number, into: Float64Array, at: number) => void
/** Adds what n values stand for to into[at..]. */
export type AddI32 = (bytes: Uint8Array, first: number, n: number, into: Int32Array, at: number) => void

const WIDTH: Readonly<Record<number, number>> = { [PHYSICAL.int32]: 4, [PHYSICAL.int64]: 8, [PHYSICAL.float]: 4, [PHYSICAL.double]: 8 }

/** Bytes a value; undefined where they differ. */
export function widthOf({ physical }: Leaf): number | undefined {
  return WIDTH[physical]
}

/** How the numbers of a column are read; undefined where they are none that can be. */
export function numbersOf({ physical, integer, perSecond, date }: Leaf): ReadF64 | undefined {
  if (perSecond !== undefined || date) return undefined
  if (physical === PHYSICAL.double) return readDouble
  if (physical === PHYSICAL.float) return readFloat
  if (integer !== 'signed') return undefined
  return physical === PHYSICAL.int64 ? readInt64 : physical === PHYSICAL.int32 ? readInt32 : undefined
}

/** How the times of a column are read as microseconds; undefined where they are no instants. */
export function timesOf({ physical, perSecond }: Leaf): ReadF64 | undefined {
  if (physical !== PHYSICAL.int64 || perSecond === undefined) return undefined
  return perSecond === 1e9 ? readNanos : perSecond === 1e6 ? readInt64 : readMillis
}

/** (value - least) * scale of integers that stand near each other. */
export function scaledOf({ physical }: Leaf, least: number, scale: number): AddI32 | undefined {
  const read = physical === PHYSICAL.int32 ? readInt32 : physical === PHYSICAL.int64 ? readInt64 : undefined
  if (read === undefined) return undefined
  return (bytes, first, n, into, at) => {
    const values = new Float64Array(n)
    read(bytes, first, n, values, 0)
    for (let i = 0; i < n; i++) into[at + i] += (values[i] - least) * scale
  }
}

function viewOf(bytes: Uint8Array, first: number, n: number, width: number): DataView {
  if ((first + n) * width > bytes.length) throw new RangeError('its values end too soon')
  return new DataView(bytes.buffer, bytes.byteOffset + first * width, n * width)
}

function readDouble(bytes: Uint8Array, first: number, n: number, into: Float64Array, at: number): void {
  const view = viewOf(bytes, first, n, 8)
  for (let i = 0; i < n; i++) into[at + i] = view.getFloat64(i * 8, true)
}

function readFloat(bytes: Uint8Array, first: number, n: number, into: Float64Array, at: number): void {
  const view = viewOf(bytes, first, n, 4)
  for (let i = 0; i < n; i++) into[at + i] = view.getFloat32(i * 4, true)
}

function readInt32(bytes: Uint8Array, first: number, n: number, into: Float64Array, at: number): void {
  const view = viewOf(bytes, first, n, 4)
  for (let i = 0; i < n; i++) into[at + i] = view.getInt32(i * 4, true)
}

/** Above 2^53 the nearest double, as a cast gives it. */
function readInt64(bytes: Uint8Array, first: number, n: number, into: Float64Array, at: number): void {
  const view = viewOf(bytes, first, n, 8)
  for (let i = 0; i < n; i++) into[at + i] = view.getInt32(i * 8 + 4, true) * 4_294_967_296 + view.getUint32(i * 8, true)
}

function readMillis(bytes: Uint8Array, first: number, n: number, into: Float64Array, at: number): void {
  readInt64(bytes, first, n, into, at)
  for (let i = at; i < at + n; i++) into[i] *= 1000
}

/** floor(nanoseconds / 1000): 2^32 is 4,294,967 * 1000 + 296, so that both parts stay exact. */
function readNanos(bytes: Uint8Array, first: number, n: number, into: Float64Array, at: number): void {
  const view = viewOf(bytes, first, n, 8)
  for (let i = 0; i < n; i++) {
    const high = view.getInt32(i * 8 + 4, true)
    into[at + i] = high * 4_294_967 + Math.floor((high * 296 + view.getUint32(i * 8, true)) / 1000)
  }
}

/** What the texts of a column stand for; `of` is asked once a dictionary entry, else once a row. */
export function textsOf({ physical }: Leaf, of: (text: string) => number): AddI32 | undefined {
  if (physical !== PHYSICAL.bytes) return undefined
  let last: { bytes: Uint8Array; value: number; at: number } | undefined
  return (bytes, first, n, into, at) => {
    // Texts have no fixed width: reading goes on where it stopped on the same page.
    let position = last?.bytes === bytes && last.value === first ? last.at : skip(bytes, first)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let i = 0; i < n; i++) {
      const end = endOfText(view, position)
      into[at + i] += of(Buffer.from(bytes.buffer, bytes.byteOffset + position + 4, end - position - 4).toString('utf8'))
      position = end
    }
    last = { bytes, value: first + n, at: position }
  }
}

function skip(bytes: Uint8Array, texts: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let position = 0
  for (let i = 0; i < texts; i++) position = endOfText(view, position)
  return position
}

function endOfText(view: DataView, position: number): number {
  // Throws RangeError where the length itself lies outside.
  const end = position + 4 + view.getUint32(position, true)
  if (end > view.byteLength) throw new RangeError('its values end too soon')
  return end
}
