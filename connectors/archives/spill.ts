import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { allocateColumns, type Column, type Columns } from '../../core/batch.ts'
import { Tick } from '../../core/market.ts'

/** Rows on their way to the lake: ticks, with where each came from. */
export const Packed = { ...Tick, source: 'i32', line: 'f64' } as const
export type Packed = typeof Packed

/** What is kept of rows on disk between reading and writing; where rows came from only when somebody will ask. */
export function spilledColumns(withOrigin: boolean): (keyof Packed)[] {
  return (Object.keys(Packed) as (keyof Packed)[]).filter((name) => withOrigin || name in Tick)
}

/** Rows of one folder of the lake in a spill file, in the order they came. */
export interface Segment {
  readonly file: string
  readonly offset: number
  readonly rows: number
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
export const HELD = 24 << 20

/** Rows of one folder while they are gathered. */
export class Pile {
  readonly folder: string
  readonly date: string
  readonly names: string[] = []
  n = 0
  /** Rows before it belong to members that are done. */
  mark = 0
  col: Columns<Packed>
  #capacity = 256

  /** Whether it says where its rows came from. */
  readonly withOrigin: boolean

  constructor(folder: string, date: string, withOrigin: boolean) {
    this.folder = folder
    this.date = date
    this.withOrigin = withOrigin
    this.col = allocateColumns(Packed, this.#capacity)
  }

  reserve(rows: number): void {
    if (rows <= this.#capacity) return
    this.#capacity = Math.max(rows, this.#capacity * 2)
    const grown = allocateColumns(Packed, this.#capacity)
    for (const name of spilledColumns(this.withOrigin)) (grown[name] as Column).set((this.col[name] as Column).subarray(0, this.n))
    this.col = grown
  }

  /** Empties it; what was used since the last time keeps its memory. */
  clear(): void {
    if (this.n === 0 && this.#capacity > 256) {
      this.#capacity = 256
      this.col = allocateColumns(Packed, this.#capacity)
    }
    this.n = this.mark = 0
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
  readonly #piles = new Map<string, Pile>()
  readonly #done = new Map<string, Segment[]>()
  #tentative: { readonly pile: Pile; readonly segment: Segment }[] = []
  #descriptor: number | undefined
  #offset = 0
  #rows = 0

  constructor(path: string, withOrigin: boolean, held: number = HELD) {
    this.#path = path
    this.#withOrigin = withOrigin
    this.#columns = spilledColumns(withOrigin)
    this.#held = held / 64
  }

  pile(folder: string, date: string): Pile {
    let pile = this.#piles.get(folder)
    if (pile === undefined) this.#piles.set(folder, (pile = new Pile(folder, date, this.#withOrigin)))
    return pile
  }

  /** Told after rows were added to piles. */
  added(rows: number): void {
    this.#rows += rows
    if (this.#rows >= this.#held) this.#flush()
  }

  /** What came since the last call stays. */
  keep(): void {
    for (const { pile, segment } of this.#tentative) this.#segmentsOf(pile).push(segment)
    this.#tentative = []
    for (const pile of this.#piles.values()) pile.mark = pile.n
  }

  /** What came since the last `keep` never was. */
  takeBack(): void {
    this.#tentative = []
    for (const pile of this.#piles.values()) {
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
    const spilled: Spilled[] = []
    for (const { folder, date, names } of this.#piles.values()) {
      const segments = this.#done.get(folder) ?? []
      if (segments.length > 0) spilled.push({ folder, date, names, segments })
    }
    return spilled
  }

  #segmentsOf(pile: Pile): Segment[] {
    let segments = this.#done.get(pile.folder)
    if (segments === undefined) this.#done.set(pile.folder, (segments = []))
    return segments
  }

  #flush(): void {
    for (const pile of this.#piles.values()) {
      if (pile.mark > 0) this.#segmentsOf(pile).push(this.#write(pile, 0, pile.mark))
      if (pile.n > pile.mark) this.#tentative.push({ pile, segment: this.#write(pile, pile.mark, pile.n) })
      pile.clear()
    }
    this.#rows = 0
  }

  #write(pile: Pile, from: number, to: number): Segment {
    this.#descriptor ??= openSync(this.#path, 'w')
    const offset = this.#offset
    for (const name of this.#columns) {
      const part = (pile.col[name] as Column).subarray(from, to)
      const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at, bytes.length - at, this.#offset + at)
      this.#offset += bytes.length
    }
    return { file: this.#path, offset, rows: to - from }
  }
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
    for (const name of this.#columns) {
      const column = into[name] as Column
      const length = rows * column.BYTES_PER_ELEMENT
      if (only === undefined || only === name) {
        const bytes = new Uint8Array(column.buffer, column.byteOffset + at * column.BYTES_PER_ELEMENT, length)
        for (let got = 0; got < length; ) {
          const more = readSync(descriptor, bytes, got, length - got, position + got)
          if (more === 0) throw new Error(`${file} ends before its rows do`)
          got += more
        }
      }
      position += length
    }
  }

  close(): void {
    for (const descriptor of this.#open.values()) closeSync(descriptor)
    this.#open.clear()
  }
}
