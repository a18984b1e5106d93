import type { Contract } from '../../core/instruments.ts'

/** A contract's share of a file; `rows` is undefined where only its path tells of it. */
export interface ContractShare {
  readonly contract: Contract
  readonly rows: number | undefined
  /** First and last event time, microseconds; -Infinity and Infinity when unknown. */
  readonly min: number
  readonly max: number
}

/** A file of the lake, as its path or the manifest tells of it, before anything of it is read. */
export interface LakeFile {
  readonly path: string
  readonly date: string
  readonly symbol: string | undefined
  /** `time`: sorted by time, checked. `arrival`: replayed as it is. */
  readonly order: 'time' | 'arrival'
  /** What the file holds; empty when only the file itself knows. */
  readonly shares: readonly ContractShare[]
}
