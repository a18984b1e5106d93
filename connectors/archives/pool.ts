import { writeBars } from './bars/writeBars.ts'
import type { BarKeeper, Cleaner } from './cleaner.ts'
import type { PackMarkets } from './ports.ts'
import { type ReadResult, type ReadTask, readInput } from './readInput.ts'
import { type WriteResult, type WriteTask, writeFolder } from './writeFolder.ts'

/** What runs the two halves of packing: in this process, or in several. */
export interface PackPool {
  /** Tasks that run at once. */
  readonly width: number
  read(task: ReadTask, onProgress: (bytes: number, rows: number) => void): Promise<ReadResult>
  write(task: WriteTask): Promise<WriteResult>
  /** Ends whatever is running. */
  close(): Promise<void>
}

/** One task after the other, in this process. */
export function inlinePool(markets: PackMarkets, cleaner: () => Promise<Cleaner & BarKeeper> | (Cleaner & BarKeeper)): PackPool {
  let last: Promise<unknown> = Promise.resolve()
  const queued = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work)
    last = next.catch(() => undefined)
    return next
  }
  return {
    width: 1,
    read: (task, onProgress) => queued(() => readInput(task, markets, onProgress)),
    write: (task) =>
      queued(async () =>
        task.folder.startsWith('bars/') ? writeBars(task, await cleaner()) : writeFolder(task, task.clean ? await cleaner() : undefined),
      ),
    close: () => last.then(() => undefined),
  }
}
