import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { probeFolder, writeTextAtomically } from '../../../connectors/parquet/atomic.ts'
import { writeLakeDay } from '../../../connectors/parquet/lakeWriter.ts'
import { parquetDestination } from '../../../connectors/parquet/sink.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Tick, Trade } from '../../../core/market.ts'
import { mountInMemory, remount, unmount } from '../../kit/mounting.ts'
import { rowsOf, toBatch } from '../../kit/table.ts'
import { folder } from './fixtures.ts'

// Permissions do not stop root, a read-only mount does.
const mounted = folder()
const refusal = mountInMemory(mounted, 'rw')
if (refusal !== undefined) console.warn(`skipped: writing into a read-only mount, because mounting one is refused here: ${refusal}`)
afterAll(() => {
  if (refusal === undefined) unmount(mounted)
})

describe.skipIf(refusal !== undefined)('a read-only folder', () => {
  const instruments = new Instruments()
  const task = { topology: 't', run: 'r', partition: '2025-01-06', outputs: { trades: Trade }, instruments, committed: undefined }
  const ticks = toBatch(Tick, rowsOf(Tick, 'ts price\n09:15:00 1'), instruments)
  const unwritable = (path: string) => expect.objectContaining({ code: 'OUTPUT_UNWRITABLE', message: expect.stringContaining(path) })

  it('is said to be one when it turned so while a run was writing', async () => {
    const dir = join(mounted, 'run')
    const sink = await parquetDestination({ dir }).open(task)
    sink.write('trades', ticks)
    mkdirSync(join(dir, 'trades/date=2025-01-06'), { recursive: true })
    writeFileSync(join(mounted, 'kept'), 'kept')
    remount(mounted, 'ro')
    await expect(sink.flush(1)).rejects.toEqual(unwritable(join(dir, 'trades/date=2025-01-06/2025-01-06-1.parquet')))
  })

  it('is said to be one before any work', async () => {
    for (const dir of [mounted, join(mounted, 'run'), join(mounted, 'new')]) {
      expect(() => probeFolder(dir)).toThrow(unwritable(dir))
      await expect(parquetDestination({ dir }).open(task)).rejects.toEqual(unwritable(dir))
    }
  })

  it('is said to be one by every writer', async () => {
    await expect(writeTextAtomically(join(mounted, 'kept'), 'new')).rejects.toEqual(unwritable('kept'))
    const lake = join(mounted, 'lake')
    await expect(writeLakeDay({ lake, date: '2025-01-06', ticks, order: 'time', instruments })).rejects.toEqual(unwritable(lake))
  })
})
