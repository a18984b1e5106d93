/** What can be wrong with a lake. */
export type What =
  /** A manifest or journal cannot be read, or contradicts itself. */
  | 'manifest'
  | 'missing file'
  | 'file not in the manifest'
  /** What a write left behind that did not come to its end. */
  | 'leftover'
  | 'checksum'
  | 'size'
  | 'unreadable'
  | 'schema'
  | 'rows'
  | 'contract not in the manifest'
  | 'contract without rows'
  | 'first time'
  | 'last time'
  | 'time missing'
  | 'time order'
  | 'arrival order'
  | 'date'
  | 'price'
  /** A bar whose low is above its open or close, or its high below. */
  | 'bar'
  | 'instrument'

/** One thing that is wrong, and with what. */
export interface Fault {
  /** From the lake's folder on. */
  readonly file: string
  readonly what: What
  readonly expected: string
  readonly found: string
}

/** What was found in one file. */
export interface Verified {
  readonly rows: number
  readonly faults: readonly Fault[]
}
