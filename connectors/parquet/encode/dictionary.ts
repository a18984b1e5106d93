/** Distinct values that a dictionary holds at most: positions are of 16 bits. */
export const MOST = 65_536
const FEWEST_SLOTS = 4096

/**
 * Doubles of one column and row group as positions among the distinct ones, which are told apart by their bits (0 and -0
 * are two); those that are no number are left out.
 */
export class Doubles {
  readonly values = new Float64Array(MOST)
  readonly #bits = new Int32Array(this.values.buffer)
  positions = new Uint16Array(0)
  /** Distinct values. */
  distinct = 0
  /** Values that are there, and stretches of equal ones. */
  present = 0
  runs = 0
  min = Infinity
  max = -Infinity
  /** Open addressing: 0, or a position + 1. At most half of it is in use. */
  #slots = new Int32Array(FEWEST_SLOTS)

  /**
   * Reads rows from..to-1. Answers whether a dictionary pays; where it does not, positions, distinct values and runs are
   * those of the first rows only.
   */
  read(column: Float64Array, from: number, to: number): boolean {
    if (this.positions.length < to - from) this.positions = new Uint16Array(to - from)
    if (this.#slots.length > 4 * FEWEST_SLOTS) this.#slots = new Int32Array(FEWEST_SLOTS)
    else this.#slots.fill(0)
    this.distinct = this.present = this.runs = 0
    // Where most values are new, positions only come on top.
    const most = Math.min(MOST, Math.max(256, (to - from) >> 1))
    let row = from
    while ((row = this.#read(column, row, to, Math.min(most, this.#slots.length / 2))) < to) {
      if (this.distinct === most) break
      this.#widen()
    }
    this.#bound()
    if (row === to) return true
    this.#rest(column, row, to)
    return false
  }

  /** Reads until there are `most` distinct values; answers the row of the first that is one too many. */
  #read(column: Float64Array, from: number, to: number, most: number): number {
    const { values, positions } = this
    const bits = this.#bits
    const slots = this.#slots
    const mask = slots.length - 1
    const shift = 32 - Math.log2(slots.length)
    let { distinct, present, runs } = this
    let [lowBefore, highBefore, before] = [0, -1, 0]
    let row = from
    for (; row < to; row++) {
      const value = column[row]
      if (Number.isNaN(value)) continue
      scratch[0] = value
      const low = halves[0]
      const high = halves[1]
      if (low !== lowBefore || high !== highBefore) {
        let slot = hash(low, high) >>> shift
        let found = slots[slot]
        while (found !== 0 && (bits[2 * found - 2] !== low || bits[2 * found - 1] !== high)) {
          slot = (slot + 1) & mask
          found = slots[slot]
        }
        if (found === 0) {
          if (distinct === most) break
          values[distinct] = value
          found = ++distinct
          slots[slot] = found
        }
        before = found - 1
        lowBefore = low
        highBefore = high
        runs++
      }
      positions[present++] = before
    }
    this.distinct = distinct
    this.present = present
    this.runs = runs
    return row
  }

  #widen(): void {
    const slots = new Int32Array(this.#slots.length * 4)
    const shift = 32 - Math.log2(slots.length)
    for (let i = 0; i < this.distinct; i++) {
      let slot = hash(this.#bits[2 * i], this.#bits[2 * i + 1]) >>> shift
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1)
      slots[slot] = i + 1
    }
    this.#slots = slots
  }

  #bound(): void {
    let [min, max] = [Infinity, -Infinity]
    for (let i = 0; i < this.distinct; i++) {
      const value = this.values[i]
      if (value < min) min = value
      if (value > max) max = value
    }
    this.min = min
    this.max = max
  }

  #rest(column: Float64Array, from: number, to: number): void {
    let { present, min, max } = this
    for (let i = from; i < to; i++) {
      const value = column[i]
      if (Number.isNaN(value)) continue
      present++
      if (value < min) min = value
      if (value > max) max = value
    }
    this.present = present
    this.min = min
    this.max = max
  }
}

const scratch = new Float64Array(1)
const halves = new Int32Array(scratch.buffer)

/** Its upper bits are the good ones. */
function hash(low: number, high: number): number {
  return (Math.imul(low, 0x9e3779b1) + Math.imul(high, 0x85ebca6b)) | 0
}
