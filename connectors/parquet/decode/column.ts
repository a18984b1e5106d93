import { type ColumnPages, ENCODING, type Leaf } from './footer.ts'
import { Indices } from './indices.ts'
import { free, type Page, Pages, roomFor } from './pages.ts'
import { type AddI32, type ReadF64, widthOf } from './values.ts'

/** What a page still holds: its values plain, or indices into the dictionary, or rows already read because some are missing. */
type Left =
  | { readonly kind: 'plain'; readonly bytes: Uint8Array; at: number }
  | { readonly kind: 'indices'; readonly indices: Indices }
  | { readonly kind: 'rows'; at: number }

/** Walks the pages of one column through a file; what its values become is up to the two kinds below. Throws RangeError where they are damaged. */
abstract class PagedColumn {
  readonly #fd: number
  readonly #leaf: Leaf
  readonly #groups: readonly ColumnPages[]
  #group = -1
  #pages: Pages | undefined
  #page: Page | undefined
  /** Rows of the present row group that no page opened yet has. */
  #groupLeft = 0
  protected pageLeft = 0
  protected left: Left | undefined

  constructor(fd: number, leaf: Leaf, groups: readonly ColumnPages[]) {
    this.#fd = fd
    this.#leaf = leaf
    this.#groups = groups
  }

  /** Gives memory back; nothing is read afterwards. */
  close(): void {
    if (this.#page !== undefined) free(this.#page)
    this.#page = undefined
    ;(this.dictionaryBuffer as ArrayBuffer).transfer(0)
  }

  protected abstract readonly dictionaryBuffer: ArrayBufferLike
  protected abstract readDictionary(bytes: Uint8Array, values: number): void
  /** Reads all rows of a page some of whose values are missing: present[i] is 1 where row i has one. */
  protected abstract readSparse(left: Left, present: Int32Array, rows: number): void

  /** Opens the next page with rows. */
  protected nextPage(): void {
    while (this.pageLeft === 0) {
      if (this.#page !== undefined) free(this.#page)
      this.#page = undefined
      const page = this.#pages?.next()
      if (page === undefined) this.#nextGroup()
      else if (page.dictionary) {
        if (page.encoding !== ENCODING.plain && page.encoding !== ENCODING.plainDictionary)
          throw new RangeError(`a dictionary of encoding ${page.encoding}`)
        ;(this.dictionaryBuffer as ArrayBuffer).transfer(0)
        this.readDictionary(page.bytes, page.values)
        free(page)
      } else {
        this.#page = page
        this.#open(page)
      }
    }
  }

  #nextGroup(): void {
    if (this.#groupLeft !== 0) throw new RangeError('a row group has fewer rows than its footer says')
    if (++this.#group >= this.#groups.length) throw new RangeError('it has fewer rows than its footer says')
    this.#pages = new Pages(this.#fd, this.#groups[this.#group])
    this.#groupLeft = this.#groups[this.#group].rows
  }

  #open({ values, encoding, levels, bytes }: Page): void {
    if (values < 0 || values > this.#groupLeft) throw new RangeError('a row group has more rows than its footer says')
    this.#groupLeft -= values
    this.pageLeft = values
    if (values === 0) return
    let at = 0
    let present: Int32Array | undefined
    if (this.#leaf.optional) {
      // Levels of a data page of the first kind stand before its values, after their length.
      if (levels === undefined) {
        if (bytes.length < 4) throw new RangeError('a page without levels')
        at = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
        if (at > bytes.length) throw new RangeError('levels longer than their page')
      }
      present = presentOf(levels === undefined ? new Indices(bytes.subarray(0, at), 4, 1) : new Indices(levels, 0, 1), values)
    }
    const left = leftOf(encoding, bytes, at)
    if (present === undefined) this.left = left
    else {
      this.readSparse(left, present, values)
      this.left = { kind: 'rows', at: 0 }
    }
  }

  /** The first value of a plain page that has no fixed width is found by the reader of values itself. */
  protected get width(): number {
    return widthOf(this.#leaf) ?? 0
  }
}

/** undefined where every row has a value. */
function presentOf(levels: Indices, rows: number): Int32Array | undefined {
  if (levels.allAre(1, rows)) return undefined
  const present = new Int32Array(rows)
  levels.copy(present, rows)
  return present.every((level) => level === 1) ? undefined : present
}

function leftOf(encoding: number, bytes: Uint8Array, at: number): Left {
  if (encoding === ENCODING.plain) return { kind: 'plain', bytes: bytes.subarray(at), at: 0 }
  if (encoding !== ENCODING.rleDictionary && encoding !== ENCODING.plainDictionary) throw new RangeError(`a page of encoding ${encoding}`)
  // A page whose values are all missing has no width, and no values.
  return { kind: 'indices', indices: new Indices(bytes, at + 1, at < bytes.length ? bytes[at] : 0) }
}

/** A column of doubles; a missing value is NaN. */
export class NumberColumn extends PagedColumn {
  readonly #values: ReadF64
  #dictionary = new Float64Array(0)
  #rows = new Float64Array(0)

  constructor(fd: number, leaf: Leaf, groups: readonly ColumnPages[], values: ReadF64) {
    super(fd, leaf, groups)
    this.#values = values
  }

  /** The next n rows to into[at..]. */
  read(into: Float64Array, at: number, n: number): void {
    for (let done = 0; done < n; ) {
      if (this.pageLeft === 0) this.nextPage()
      const take = Math.min(n - done, this.pageLeft)
      this.#take(this.left as Left, into, at + done, take)
      this.pageLeft -= take
      done += take
    }
  }

  #take(left: Left, into: Float64Array, at: number, n: number): void {
    if (left.kind === 'indices') left.indices.gatherF64(this.#dictionary, into, at, n)
    else {
      if (left.kind === 'plain') this.#values(left.bytes, left.at, n, into, at)
      else into.set(this.#rows.subarray(left.at, left.at + n), at)
      left.at += n
    }
  }

  protected get dictionaryBuffer(): ArrayBufferLike {
    return this.#dictionary.buffer
  }

  protected readDictionary(bytes: Uint8Array, values: number): void {
    this.#dictionary = new Float64Array(roomFor(countOf(bytes, values, this.width))).subarray(0, values)
    this.#values(bytes, 0, values, this.#dictionary, 0)
  }

  protected readSparse(left: Left, present: Int32Array, rows: number): void {
    if (this.#rows.length < rows) this.#rows = new Float64Array(rows)
    let values = 0
    for (let i = 0; i < rows; i++) values += present[i]
    this.#take(left, this.#rows, 0, values)
    // From behind: a value moves to its row or beyond its place, never before it.
    for (let i = rows - 1; i >= 0; i--) this.#rows[i] = present[i] === 1 ? this.#rows[--values] : NaN
  }
}

/** A column of numbers that are added to codes; where a value is missing, so is the row's code: it becomes negative for good. */
export class CodeColumn extends PagedColumn {
  readonly #values: AddI32
  #dictionary = new Int32Array(0)
  #rows = new Int32Array(0)

  constructor(fd: number, leaf: Leaf, groups: readonly ColumnPages[], values: AddI32) {
    super(fd, leaf, groups)
    this.#values = values
  }

  /** Adds the next n rows to into[at..]. */
  add(into: Int32Array, at: number, n: number): void {
    for (let done = 0; done < n; ) {
      if (this.pageLeft === 0) this.nextPage()
      const take = Math.min(n - done, this.pageLeft)
      this.#take(this.left as Left, into, at + done, take)
      this.pageLeft -= take
      done += take
    }
  }

  #take(left: Left, into: Int32Array, at: number, n: number): void {
    if (left.kind === 'indices') left.indices.addI32(this.#dictionary, into, at, n)
    else {
      if (left.kind === 'plain') this.#values(left.bytes, left.at, n, into, at)
      else for (let i = 0; i < n; i++) into[at + i] += this.#rows[left.at + i]
      left.at += n
    }
  }

  protected get dictionaryBuffer(): ArrayBufferLike {
    return this.#dictionary.buffer
  }

  protected readDictionary(bytes: Uint8Array, values: number): void {
    this.#dictionary = new Int32Array(roomFor(countOf(bytes, values, this.width))).subarray(0, values)
    this.#values(bytes, 0, values, this.#dictionary, 0)
  }

  protected readSparse(left: Left, present: Int32Array, rows: number): void {
    this.#rows = new Int32Array(rows)
    let values = 0
    for (let i = 0; i < rows; i++) values += present[i]
    this.#take(left, this.#rows, 0, values)
    for (let i = rows - 1; i >= 0; i--) this.#rows[i] = present[i] === 1 ? this.#rows[--values] : MISSING
  }
}

/** Far enough below zero that no sum of codes lifts it. */
const MISSING = -(2 ** 30)

function countOf(bytes: Uint8Array, values: number, width: number): number {
  // Values of no fixed width take four bytes at the least.
  if (values < 0 || values * (width || 4) > bytes.length) throw new RangeError('a dictionary ends too soon')
  return values
}
