/** Makes it known, where every later owner of the partition will see it, that the next commit goes up to this epoch. */
export interface Announcements {
  /** What was announced and not committed when the last owner ended. */
  readonly pending: number | undefined
  announce(epoch: number): Promise<void>
}

/** Rows in and out that may wait for a commit under way before the graph waits for it. */
const MOST_ROWS = 1_000_000

/** Records waiting behind an epoch's end that make it worth while: with fewer, the last epochs before a quiet would wait for the next. */
const BACKLOG = 1_000

/** What to do at an epoch's end. */
export type AtEnd = 'commit' | 'announce and commit' | 'go on'

/**
 * Whether the end of an epoch is committed by itself or with those after it.
 *
 * A commit costs tens of milliseconds however few rows are in it, so whoever catches up on hours of a log commits what
 * came together while the commit before was under way. Sinks know a commit by its last epoch; so that whoever repeats
 * it after a crash, or a zombie beside him, writes the same rows under the same name, a group is announced before
 * anything of it is written, and the first commit of an owner goes up to what was announced, or is a single epoch.
 */
export class Grouping {
  readonly #pending: number | undefined
  #first = true
  /** Epochs that have ended since the last commit and wait to go with the next. */
  #waiting = 0

  constructor({ pending }: Announcements) {
    this.#pending = pending
  }

  /** `busy`: a commit is under way. `rows`: in and out since the last one began. `waiting`: records that have come and lie behind. */
  at(epoch: number, busy: boolean, rows: number, waiting: number): AtEnd {
    const catchesUp = busy && rows < MOST_ROWS && waiting >= BACKLOG
    const waits = this.#first ? this.#pending !== undefined && epoch < this.#pending : catchesUp
    if (waits) {
      this.#waiting++
      return 'go on'
    }
    const announced = this.#first || this.#waiting === 0
    this.#first = false
    this.#waiting = 0
    return announced ? 'commit' : 'announce and commit'
  }
}
