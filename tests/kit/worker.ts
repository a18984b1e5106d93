import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import type { Batch, Schema } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import { Instruments } from '../../core/instruments.ts'
import type { Delivery, Source } from '../../core/ports.ts'
import { topology } from '../../core/topology.ts'
import { type Ask, serveWorker } from '../../runtime/serveWorker.ts'

/** What tests/runtime/workers.test.ts tells its workers. */
export interface WorkerOptions {
  /** Where each worker leaves a file when it is unplugged. */
  readonly folder: string
  /** The first worker ends while it waits for the others to be ready. */
  readonly diesIdle?: boolean
  readonly unpluggable?: boolean
}

const In = { ts: 'time' } as const

const pass = topology({
  name: 'pass',
  version: 1,
  memory: 'day',
  params: z.object({}),
  inputs: { ticks: In },
  outputs: { all: In },
  wire({ ticks }, at) {
    const step = at('pass')
    const seen = step.counter('seen')
    return {
      all: ticks.pipe(
        step.map<typeof In, typeof In>((batch) => {
          seen.add(batch.n)
          return batch
        }),
      ),
    }
  },
})

/** A partition does what its name says, after its first row: exit, kill, fail, slow, ask; any other has rows at 1, 2 and 3. */
function source(ask: Ask): Source {
  const row = (ts: number): Delivery<Schema> => ({
    batch: { n: 1, watermark: ts, col: { ts: Float64Array.of(ts) } } as Batch<Schema>,
    after: () => ts,
  })
  return {
    partitions: async () => [],
    async *open(partition, _, signal) {
      yield row(1)
      if (partition.startsWith('exit')) process.exit(3)
      if (partition.startsWith('kill')) process.kill(process.pid, 'SIGKILL')
      if (partition.startsWith('fail')) throw new TickloomError('FILE_CORRUPT', 'bad.parquet is no Parquet', { file: 'bad.parquet' })
      if (partition.startsWith('ask')) yield row((await ask('double', 21)) as number)
      for (let ts = 2; partition.startsWith('slow') && !signal.aborted; ts++) {
        await wait(5)
        yield row(ts)
      }
      yield row(50)
      yield row(60)
    },
    close: async () => {},
  }
}

serveWorker<WorkerOptions>(async ({ folder, diesIdle, unpluggable }, ask) => {
  if (unpluggable) throw new TickloomError('TOPOLOGY_INVALID', 'it cannot be plugged')
  if (diesIdle && isFirst(folder)) setTimeout(() => process.exit(5), 50)
  else if (diesIdle) await theFirstIsGone(folder)
  const plugged = {
    topology: pass,
    params: {},
    run: 'r',
    instruments: new Instruments(),
    source: source(ask),
    destinations: [],
    epochLength: 10,
    checkpoints: undefined,
    resume: false,
  }
  return { plugged, unplug: async () => writeFileSync(join(folder, `unplugged-${process.pid}`), '') }
})

function isFirst(folder: string): boolean {
  try {
    writeFileSync(join(folder, 'first'), String(process.pid), { flag: 'wx' })
    return true
  } catch {
    // Another worker made it.
    return false
  }
}

/** And its parent knows: until then it is a zombie, which can be sent signals. */
async function theFirstIsGone(folder: string): Promise<void> {
  for (;;) {
    const pid = Number(readFileSync(join(folder, 'first'), 'utf8'))
    try {
      if (pid > 0) process.kill(pid, 0)
    } catch {
      return
    }
    await wait(10)
  }
}
