import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TickloomError } from '../../core/errors.ts'
import type { EpochSummary, PartitionSummary } from '../../runtime/summaries.ts'
import { type PoolOptions, runInWorkers } from '../../runtime/workers.ts'
import type { WorkerOptions } from '../kit/worker.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'workers-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

type More = Partial<Omit<PoolOptions, 'options' | 'entry'>> & { readonly options?: Partial<WorkerOptions> }

function run(partitions: readonly string[], { options, ...more }: More = {}): Promise<PartitionSummary[]> {
  return runInWorkers(partitions, {
    entry: new URL('../kit/worker.ts', import.meta.url),
    count: 2,
    options: { folder, ...options },
    signal: new AbortController().signal,
    onRequest: async () => undefined,
    ...more,
  })
}

/** Workers that ended in good order, closing what they had open. */
const unplugged = () => readdirSync(folder).filter((name) => name.startsWith('unplugged')).length

describe('partitions in worker processes', () => {
  test('come back in order, each once, however few the workers', async () => {
    const names = ['e', 'd', 'c', 'b', 'a']
    const summaries = await run(names)
    expect(summaries.map((s) => [s.partition, s.rowsIn, s.rowsOut])).toEqual([...names].sort().map((name) => [name, 3, { all: 3 }]))
    expect(unplugged()).toBe(2)
  })

  test('no more workers than partitions', async () => {
    expect(await run(['a', 'b'], { count: 5 })).toHaveLength(2)
    expect(unplugged()).toBe(2)
  })

  test('none at all', async () => {
    expect(await run([])).toEqual([])
  })

  test('tell of every epoch what the partition came to so far', async () => {
    const epochs: EpochSummary[] = []
    let ready = 0
    await run(['a'], { onEpoch: (epoch) => epochs.push(epoch), onReady: () => ready++ })
    expect(epochs.map((e) => [e.partition, e.rowsIn, e.counts['pass/seen'], e.steps[0].rowsIn, e.eventTime])).toEqual([
      ['a', 1, 1, 1, 50],
      ['a', 2, 2, 2, 60],
      ['a', 3, 3, 3, 60],
    ])
    expect(ready).toBe(1)
  })
})

describe('a worker that dies', () => {
  test.each([
    ['exit', 'exit code 3'],
    ['kill', 'SIGKILL'],
  ])('by %s names its partition, and stops the others', async (partition, how) => {
    await expect(run(['slow', partition])).rejects.toMatchObject({
      code: 'WORKER_DIED',
      at: { partition },
      message: `the worker of partition ${partition} ended with ${how}`,
    })
    expect(unplugged()).toBe(1)
  })

  test('before it has a partition is heard of too', async () => {
    await expect(run(['a', 'b'], { options: { diesIdle: true } })).rejects.toMatchObject({
      code: 'WORKER_DIED',
      message: 'a worker without a partition ended with exit code 5',
    })
  })
})

describe('a failure', () => {
  test('in one worker is thrown as it was, and stops the others', async () => {
    const failure = await run(['slow', 'fail']).catch((thrown: unknown) => thrown)
    expect(failure).toBeInstanceOf(TickloomError)
    expect(failure).toMatchObject({ code: 'FILE_CORRUPT', message: 'bad.parquet is no Parquet', at: { file: 'bad.parquet' } })
    expect((failure as Error).stack).toContain('worker.ts')
    expect(unplugged()).toBe(2)
  })

  test('to plug is thrown as it was', async () => {
    await expect(run(['a', 'b'], { options: { unpluggable: true } })).rejects.toMatchObject({
      code: 'TOPOLOGY_INVALID',
      message: 'it cannot be plugged',
    })
  })
})

describe('an abort', () => {
  test('while they run is INTERRUPTED, and every worker ends in good order', async () => {
    const controller = new AbortController()
    const running = run(['slow-1', 'slow-2', 'slow-3'], { signal: controller.signal, onEpoch: () => controller.abort() })
    await expect(running).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(unplugged()).toBe(2)
  })

  test('before they start is INTERRUPTED', async () => {
    await expect(run(['a', 'b'], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'INTERRUPTED' })
  })
})

describe('a request', () => {
  test('is answered by the parent', async () => {
    const asked: unknown[] = []
    const [{ rowsIn }] = await run(['ask'], {
      async onRequest(name, payload) {
        asked.push([name, payload])
        return (payload as number) * 2
      },
    })
    expect([asked, rowsIn]).toEqual([[['double', 21]], 4])
  })

  test('that fails, fails where it was asked', async () => {
    const refused = new TickloomError('CLICKHOUSE_REJECTED', 'no such column', { table: 't' })
    const failing = run(['ask'], { onRequest: () => Promise.reject(refused) })
    await expect(failing).rejects.toMatchObject({ code: 'CLICKHOUSE_REJECTED', message: 'no such column', at: { table: 't' } })
  })
})
