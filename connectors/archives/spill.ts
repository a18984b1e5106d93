import { closeSync, openSync, readvSync, writevSync } from 'node:fs'
import { allocate, type Column, type Columns } from '../../core/batch.ts'
import { Tick } from '../../core/market.ts'
import { MINUTE } from '../../core/time.ts'

/** Rows on their way to the lake: ticks, with where each came from. */
export const Packed = { ...Tick, source: 'i32', line: 'f64' } as const
export type Packed = typeof Packed

/** What is kept of rows on disk between reading and writing; where rows came from only when somebody will ask. */
export function spilledColumns(withOrigin: boolean): (keyof Packed)[] {
  return (Object.keys(Packed) as (keyof Packed)[]).filter((name) => withOrigin || name in Tick)
}

/** Rows are kept apart by spans of this long, so that a part of a day can be made of some of them. */
export const SPAN = 15 * MINUTE

/** Rows of one folder of the lake and one span in a spill file, in the order they came. */
export interface Segment {
  readonly file: string
  readonly offset: number
  readonly rows: number
  /** Number of the span, by time. */
  readonly span: number
}

/** All that one reader spilled for one folder. */
export interface Spilled {
  /** `symbol=X/date=D` and, of futures and options, `/expiry=E`. */
  readonly folder: string
  readonly date: string
  /** Names by the number that the rows carry. */
  readonly names: readonly string[]
  readonly segments: readonly Segment[]
}

/** Bytes of rows held before they go to disk. */
export const HELD = 16 << 20

const SMALLEST = 16

/** Columns for so many rows; those that nobody asks for are empty. */
function columnsFor(rows: number, withOrigin: boolean): Columns<Packed> {
  const col: Record<string, Column> = {}
  for (const [name, kind] of Object.entries(Packed)) col[name] = allocate(kind, withOrigin || name in Tick ? rows : 0)
  return col as Columns<Packed>
}

/** Rows of one folder and span while they are gathered. */
export class Pile {
  readonly span: number
  /** Whether it says where its rows came from. */
  readonly withOrigin: boolean
  n = 0
  /** Rows before it belong to members that are done. */
  mark = 0
  col: Columns<Packed>
  #capacity = SMALLEST

  constructor(span: number, withOrigin: boolean) {
    this.span = span
    this.withOrigin = withOrigin
    this.col = columnsFor(SMALLEST, withOrigin)
  }

  reserve(rows: number): void {
    if (rows <= this.#capacity) return
    this.#capacity = Math.max(rows, this.#capacity * 2)
    const grown = columnsFor(this.#capacity, this.withOrigin)
    for (const name of spilledColumns(this.withOrigin)) (grown[name] as Column).set((this.col[name] as Column).subarray(0, this.n))
    this.col = grown
  }
}

/** What is gathered for one folder of the lake: a pile a span. */
export class Folder {
  readonly path: string
  readonly date: string
  readonly names: string[] = []
  readonly segments: Segment[] = []
  /** Those that rows came for of late. */
  piles: Pile[] = []
  readonly #withOrigin: boolean
  #last: Pile | undefined

  constructor(path: string, date: string, withOrigin: boolean) {
    this.path = path
    this.date = date
    this.#withOrigin = withOrigin
  }

  pile(span: number): Pile {
    if (this.#last?.span === span) return this.#last
    let pile = this.piles.find((one) => one.span === span)
    if (pile === undefined) this.piles.push((pile = new Pile(span, this.#withOrigin)))
    this.#last = pile
    return pile
  }

  /** Empties the piles; those that were empty before are given up with their memory. */
  clear(): void {
    this.piles = this.piles.filter(({ n }) => n > 0)
    this.#last = undefined
    for (const pile of this.piles) pile.n = pile.mark = 0
  }
}

/**
 * Rows gathered by folder, in memory up to HELD and beyond that in one file. What a member brought can be taken back
 * until the next one begins.
 */
export class Spill {
  readonly #path: string
  readonly #columns: readonly (keyof Packed)[]
  readonly #withOrigin: boolean
  readonly #held: number
  readonly #folders = new Map<string, Folder>()
  #tentative: { readonly folder: Folder; readonly segment: Segment }[] = []
  #descriptor: number | undefined
  #offset = 0
  #rows = 0

  constructor(path: string, withOrigin: boolean, held: number = HELD) {
    this.#path = path
    this.#withOrigin = withOrigin
    this.#columns = spilledColumns(withOrigin)
    this.#held = held / 64
  }

  folder(path: string, date: string): Folder {
    let folder = this.#folders.get(path)
    if (folder === undefined) this.#folders.set(path, (folder = new Folder(path, date, this.#withOrigin)))
    return folder
  }

  /** Told after rows were added to piles. */
  added(rows: number): void {
    this.#rows += rows
    if (this.#rows >= this.#held) this.#flush()
  }

  /** What came since the last call stays. */
  keep(): void {
    for (const { folder, segment } of this.#tentative) folder.segments.push(segment)
    this.#tentative = []
    for (const { piles } of this.#folders.values()) for (const pile of piles) pile.mark = pile.n
  }

  /** What came since the last `keep` never was. */
  takeBack(): void {
    this.#tentative = []
    for (const { piles } of this.#folders.values())
      for (const pile of piles) {
        this.#rows -= pile.n - pile.mark
        pile.n = pile.mark
      }
  }

  /** Everything kept, on disk. */
  close(): Spilled[] {
    this.#flush()
    this.keep()
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
    return [...this.#folders.values()]
      .filter(({ segments }) => segments.length > 0)
      .map(({ path, date, names, segments }) => ({ folder: path, date, names, segments }))
  }

  #flush(): void {
    for (const folder of this.#folders.values()) {
      for (const pile of folder.piles) {
        if (pile.mark > 0) folder.segments.push(this.#write(pile, 0, pile.mark))
        if (pile.n > pile.mark) this.#tentative.push({ folder, segment: this.#write(pile, pile.mark, pile.n) })
      }
      folder.clear()
    }
    this.#rows = 0
  }

  #write(pile: Pile, from: number, to: number): Segment {
    this.#descriptor ??= openSync(this.#path, 'w')
    const offset = this.#offset
    let parts = this.#columns.map((name) => bytesOf(pile.col[name], from, to))
    while (parts.length > 0) {
      const written = writevSync(this.#descriptor, parts, this.#offset)
      this.#offset += written
      parts = behind(parts, written)
    }
    return { file: this.#path, offset, rows: to - from, span: pile.span }
  }
}

function bytesOf(column: Column, from: number, to: number): Uint8Array {
  const { BYTES_PER_ELEMENT: size } = column
  return new Uint8Array(column.buffer, column.byteOffset + from * size, (to - from) * size)
}

/** What is left of parts when so many of their bytes are done. */
function behind(parts: readonly Uint8Array[], done: number): Uint8Array[] {
  const left: Uint8Array[] = []
  let skip = done
  for (const part of parts) {
    if (skip < part.length) left.push(part.subarray(skip))
    skip = Math.max(0, skip - part.length)
  }
  return left
}

/** Reads rows of segments back; every file is opened once. */
export class SpillReader {
  readonly #columns: readonly (keyof Packed)[]
  readonly #open = new Map<string, number>()

  constructor(withOrigin: boolean) {
    this.#columns = spilledColumns(withOrigin)
  }

  /** Fills the rows of `into` from `at` on. `only`: these columns and no others. */
  read({ file, offset, rows }: Segment, into: Columns<Packed>, at: number, only?: keyof Packed): void {
    let descriptor = this.#open.get(file)
    if (descriptor === undefined) this.#open.set(file, (descriptor = openSync(file, 'r')))
    let position = offset
    let parts: Uint8Array[] = []
    for (const name of this.#columns) {
      const column = into[name] as Column
      if (only === undefined || only === name) parts.push(bytesOf(column, at, at + rows))
      else if (parts.length === 0) position += rows * column.BYTES_PER_ELEMENT
    }
    while (parts.length > 0) {
      const got = readvSync(descriptor, parts, position)
      if (got === 0) throw new Error(`${file} ends before its rows do`)
      position += got
      parts = behind(parts, got)
    }
  }

  close(): void {
    for (const descriptor of this.#open.values()) closeSync(descriptor)
    this.#open.clear()
  }
}
