import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { Bar } from '../../../core/bar.ts'
import { allocateColumns, type Column, type Columns, takeRows } from '../../../core/batch.ts'
import type { Segment, Spilled } from '../spill.ts'

/** Bars on their way to the lake, with where each came from. */
export const PackedBar = { ...Bar, source: 'i32', line: 'f64' } as const
export type PackedBar = typeof PackedBar

/** Rows held before they go to disk. */
export const HELD_BARS = 64 << 10

const columns = Object.keys(PackedBar) as (keyof PackedBar)[]

/** A folder of the lake while its bars are gathered. */
export interface BarPile {
  readonly at: number
  readonly folder: string
  readonly date: string
  readonly names: string[]
}

/**
 * Bars gathered by folder in one file, in the order they came. What a member brought can be taken back until the next one
 * begins.
 */
export class BarSpill {
  readonly #path: string
  readonly #held: number
  readonly #piles = new Map<string, BarPile>()
  readonly #done: Segment[][] = []
  readonly #rows: Columns<PackedBar>
  readonly #pileOf: Int32Array
  readonly #sorted: Columns<PackedBar>
  #tentative: { readonly pile: number; readonly segment: Segment }[] = []
  #n = 0
  /** Rows before it belong to members that are done. */
  #mark = 0
  #descriptor: number | undefined
  #offset = 0

  constructor(path: string, held: number = HELD_BARS) {
    this.#path = path
    this.#held = held
    this.#rows = allocateColumns(PackedBar, held)
    this.#sorted = allocateColumns(PackedBar, held)
    this.#pileOf = new Int32Array(held)
  }

  pile(folder: string, date: string): BarPile {
    let pile = this.#piles.get(folder)
    if (pile === undefined) this.#piles.set(folder, (pile = { at: this.#done.push([]) - 1, folder, date, names: [] }))
    return pile
  }

  /** Room for one more row: columns, and the row's number in them. */
  next(pile: BarPile): number {
    if (this.#n === this.#held) this.#flush()
    this.#pileOf[this.#n] = pile.at
    return this.#n++
  }

  get col(): Columns<PackedBar> {
    return this.#rows
  }

  keep(): void {
    for (const { pile, segment } of this.#tentative) this.#done[pile].push(segment)
    this.#tentative = []
    this.#mark = this.#n
  }

  takeBack(): void {
    this.#tentative = []
    this.#n = this.#mark
  }

  /** Everything kept, on disk. */
  close(): Spilled[] {
    this.#flush()
    this.keep()
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
    return [...this.#piles.values()].flatMap(({ at, folder, date, names }) =>
      this.#done[at].length === 0 ? [] : [{ folder, date, names, segments: this.#done[at] }],
    )
  }

  #flush(): void {
    this.#write(0, this.#mark, (pile, segment) => this.#done[pile].push(segment))
    this.#write(this.#mark, this.#n, (pile, segment) => this.#tentative.push({ pile, segment }))
    this.#n = this.#mark = 0
  }

  /** Rows from..to-1 by pile, each pile's in the order they came. */
  #write(from: number, to: number, told: (pile: number, segment: Segment) => void): void {
    if (to === from) return
    const starts = new Int32Array(this.#done.length + 1)
    for (let i = from; i < to; i++) starts[this.#pileOf[i] + 1]++
    for (let pile = 1; pile < starts.length; pile++) starts[pile] += starts[pile - 1]
    const order = new Int32Array(to - from)
    const at = starts.slice()
    for (let i = from; i < to; i++) order[at[this.#pileOf[i]]++] = i
    takeRows({ n: to, watermark: -Infinity, col: this.#rows }, order, order.length, this.#sorted)
    for (let pile = 0; pile < this.#done.length; pile++)
      if (starts[pile + 1] > starts[pile]) told(pile, this.#writeSegment(starts[pile], starts[pile + 1]))
  }

  #writeSegment(from: number, to: number): Segment {
    this.#descriptor ??= openSync(this.#path, 'w')
    const offset = this.#offset
    for (const name of columns) {
      const part = (this.#sorted[name] as Column).subarray(from, to)
      const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at, bytes.length - at, this.#offset + at)
      this.#offset += bytes.length
    }
    return { file: this.#path, offset, rows: to - from, span: 0 }
  }
}

/** The bars of a segment. */
export function readSegment({ file, offset, rows }: Segment): Columns<PackedBar> {
  const col = allocateColumns(PackedBar, rows)
  const descriptor = openSync(file, 'r')
  try {
    let position = offset
    for (const name of columns) {
      const column = col[name] as Column
      const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength)
      for (let got = 0; got < bytes.length; ) {
        const more = readSync(descriptor, bytes, got, bytes.length - got, position + got)
        if (more === 0) throw new Error(`${file} ends before its rows do`)
        got += more
      }
      position += bytes.length
    }
    return col
  } finally {
    closeSync(descriptor)
  }
}
