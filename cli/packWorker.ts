import type { BarKeeper, Cleaner } from '../connectors/archives/cleaner.ts'
import { inlinePool } from '../connectors/archives/pool.ts'
import type { ReadResult, ReadTask } from '../connectors/archives/readInput.ts'
import type { WriteResult, WriteTask } from '../connectors/archives/writeFolder.ts'
import { type Failure, toFailure } from '../runtime/wire.ts'
import { packMarkets } from './packMarket.ts'

/** What the parent of a packing process tells it. */
export type ToPacker = { readonly id: number } & ({ readonly read: ReadTask } | { readonly write: WriteTask })

/** What a packing process answers. */
export type FromPacker =
  | { readonly id: number; readonly bytes: number; readonly rows: number }
  | { readonly id: number; readonly result: ReadResult | WriteResult }
  | { readonly id: number; readonly failure: Failure }

/** Milliseconds between two reports of progress. */
const EVERY = 100

// Module that the processes of `pack --workers N` run.
if (process.send !== undefined) {
  const pool = inlinePool(packMarkets, cleaner)
  process.on('message', (task: ToPacker) => void serve(task))
  process.on('disconnect', () => process.exit(1))
  // Ctrl-C reaches the whole group; the parent ends its workers when it has heard of it itself.
  process.on('SIGINT', () => undefined)

  const tell = (message: FromPacker): void => void process.send?.(message)
  const serve = async (task: ToPacker): Promise<void> => {
    try {
      tell({ id: task.id, result: 'read' in task ? await pool.read(task.read, reporter(task.id, tell)) : await pool.write(task.write) })
    } catch (thrown) {
      tell({ id: task.id, failure: toFailure(thrown) })
    }
  }
}

/** Loaded where it is asked for: most of what a packing process would load is for cleaning. */
async function cleaner(): Promise<Cleaner & BarKeeper> {
  const [{ operatorCleaner }, { nseCalendar }] = await Promise.all([import('./packClean.ts'), import('../markets/nse/calendar.ts')])
  return operatorCleaner(nseCalendar)
}

/** Adds progress up, so that a message is sent now and then only. */
function reporter(id: number, tell: (message: FromPacker) => void): (bytes: number, rows: number) => void {
  let [bytes, rows, told] = [0, 0, performance.now()]
  return (moreBytes, moreRows) => {
    bytes += moreBytes
    rows += moreRows
    const now = performance.now()
    if (now - told < EVERY) return
    tell({ id, bytes, rows })
    bytes = rows = 0
    told = now
  }
}
