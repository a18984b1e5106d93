/** What becomes of a row or a member of an input, one of these each; docs/howto/pack-archives.md explains them. */
export const reasons = [
  'packed',
  'repaired',
  'unparsable_line',
  'bad_time',
  'zero_price',
  'unknown_contract',
  'non_trading_day',
  'off_session',
  'stale_pre_open',
  'duplicate',
  'conflict',
  'empty_file',
  'unknown_format',
  'truncated_container',
  'corrupt_container',
  'unreadable_container',
] as const
export type Reason = (typeof reasons)[number]

/** Rows that are in the lake. */
export function inLake(counts: Partial<Record<Reason, number>>): number {
  return (counts.packed ?? 0) + (counts.repaired ?? 0)
}

/** A line as it stood in the input. */
export interface Sample {
  /** From 1; 0 when it is about the member as a whole. */
  readonly line: number
  readonly text: string
}

/** One row of the ledger: so many rows of a member and date came to this. Rows 0: it is about the member itself. */
export interface LedgerEntry {
  /** Path of the input as it was given. */
  readonly input: string
  readonly member: string
  /** YYYY-MM-DD; empty where the rows have none. */
  readonly date: string
  readonly reason: Reason
  readonly rows: number
  readonly samples: readonly Sample[]
}

/** Damage to a container or a member, which ends what can be read of it. */
export class Damage extends Error {
  override readonly name = 'Damage'
  readonly reason: Reason

  constructor(reason: Reason, message: string) {
    super(message)
    this.reason = reason
  }
}
