import type { Columns } from '../../core/batch.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'
import { Packed, type Segment, type SpillReader } from './spill.ts'

/** Rows of one reader, with what its instrument numbers mean here. */
export interface Readable {
  readonly from: number
  readonly ids: Int32Array
  readonly segments: readonly Segment[]
}

export function rowsOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, { rows }) => sum + rows, 0)
}

const kept = new Map<'read' | 'sorted', RowBuffer<Packed>>()

/** Room for rows, the same memory each time: what it held before is gone. */
export function roomFor(use: 'read' | 'sorted', rows: number): Columns<Packed> {
  let room = kept.get(use)
  if (room === undefined || room.capacity < rows) kept.set(use, (room = new RowBuffer(Packed, rows)))
  return room.col
}

export function allocateRows(rows: number): Columns<Packed> {
  return new RowBuffer(Packed, rows).col
}

/** All rows in the order of readers and segments; `source` becomes one number for reader and member. */
export function load(reader: SpillReader, spilled: readonly Readable[], total: number, withOrigin: boolean): Columns<Packed> {
  const rows = roomFor('read', total)
  let at = 0
  for (const { from, ids, segments } of spilled)
    for (const segment of segments) {
      reader.read(segment, rows, at)
      translate(rows, at, at + segment.rows, ids, from, withOrigin)
      at += segment.rows
    }
  return rows
}

/** Members of one reader, at most. */
export const MEMBERS = 1 << 20

export function translate(
  { instrument, source }: Columns<Packed>,
  from: number,
  to: number,
  ids: Int32Array,
  reader: number,
  withOrigin: boolean,
): void {
  for (let i = from; i < to; i++) instrument[i] = ids[instrument[i]]
  if (withOrigin) for (let i = from; i < to; i++) source[i] += reader * MEMBERS
}
