import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ledgerDdl, tableDdl } from '../../../connectors/clickhouse/ddl.ts'
import { closeEmbeddedEngine, embeddedEngine } from '../../../connectors/clickhouse/engine.ts'
import { clickhouseDestination } from '../../../connectors/clickhouse/sink.ts'
import type { TickloomError } from '../../../core/errors.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Second, Tick } from '../../../core/market.ts'
import { contractRows } from '../../kit/contractRows.ts'
import { scratchDirectory } from './bench.ts'

let directory: string
beforeEach(() => {
  directory = scratchDirectory()
})
afterEach(() => {
  closeEmbeddedEngine()
  rmSync(directory, { recursive: true, force: true })
})

interface Life {
  readonly child: ChildProcess
  readonly ended: Promise<unknown>
}

function life(last: number): Life {
  const child = spawn(process.execPath, [new URL('life.ts', import.meta.url).pathname, directory, String(last)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return { child, ended: once(child, 'exit') }
}

async function until(child: ChildProcess, line: string): Promise<void> {
  for await (const said of createInterface({ input: child.stdout! })) if (said === line) return
  throw new Error(`the process ended without saying "${line}"`)
}

it('killed at any moment and started again, it holds each row once', { timeout: 60_000 }, async () => {
  for (const line of ['open', 'epoch 2', 'epoch 5']) {
    // More epochs than there is time for, however late it is killed.
    const { child, ended } = life(100_000)
    await until(child, line)
    await new Promise((resolve) => setTimeout(resolve, 10))
    child.kill('SIGKILL')
    await ended
  }
  const { child, ended } = life(12)
  await until(child, 'done')
  await ended
  const engine = embeddedEngine(directory)
  const epochs = Number(engine.query('SELECT max(epoch) FROM tickloom.epochs').trim())
  expect(epochs).toBeGreaterThanOrEqual(12)
  const counts = engine.query('SELECT count() % 20000, intDiv(count(), 20000) FROM tickloom.seconds').trim().split(',').map(Number)
  expect(counts[0]).toBe(0)
  expect([epochs, epochs + 1]).toContain(counts[1])
})

it('an epoch of the ledger is not written again even when the engine has forgotten its token', async () => {
  const instruments = new Instruments()
  const task = { topology: 't', run: 'r', partition: 'p', outputs: { seconds: Second }, instruments, committed: undefined }
  for (let life = 0; life < 2; life++) {
    const to = clickhouseDestination({ target: directory })
    const sink = await to.open(task)
    embeddedEngine(directory).query('ALTER TABLE tickloom.seconds MODIFY SETTING non_replicated_deduplication_window = 0')
    sink.write('seconds', contractRows(Second, instruments, 100, 1))
    expect((await sink.flush(1)).rows).toBe(100)
    expect(embeddedEngine(directory).query('SELECT count() FROM tickloom.seconds').trim()).toBe('100')
    await to.close()
  }
})

it('a live run whose checkpoint is lost is not written twice: it is refused, but for the one epoch that a crash leaves', async () => {
  const instruments = new Instruments()
  const task = { topology: 't', run: 'r', partition: '0', outputs: { seconds: Second }, instruments, committed: undefined }
  const to = clickhouseDestination({ target: directory, live: true })
  for (const epoch of [7, 9]) {
    const sink = await to.open({ ...task, committed: epoch === 7 ? undefined : 7 })
    sink.write('seconds', contractRows(Second, instruments, 100, epoch))
    await sink.flush(epoch)
  }
  await expect(to.open({ ...task, committed: 7 })).resolves.toBeDefined()
  await expect(to.open(task)).rejects.toMatchObject({ code: 'RUN_EXISTS', at: { run: 'r', partition: '0' } })
  await expect(to.open({ ...task, run: 'another' })).resolves.toBeDefined()
  await to.close()
})

it('an epoch over two months is two parts and still once', async () => {
  const instruments = new Instruments()
  for (let life = 0; life < 2; life++) {
    const to = clickhouseDestination({ target: directory })
    const sink = await to.open({ topology: 't', run: 'r', partition: 'p', outputs: { seconds: Second }, instruments, committed: undefined })
    const batch = contractRows(Second, instruments, 100, 1)
    for (let i = 50; i < 100; i++) batch.col['ts'][i] += 40 * 86_400_000_000
    embeddedEngine(directory).query('TRUNCATE TABLE tickloom.epochs')
    sink.write('seconds', batch)
    await sink.flush(1)
    await to.close()
  }
  expect(embeddedEngine(directory).query('SELECT count() FROM tickloom.seconds').trim()).toBe('100')
})

it('a second process is told who has the directory', async () => {
  const { child, ended } = life(100_000)
  try {
    await until(child, 'open')
    let thrown: unknown
    try {
      clickhouseDestination({ target: directory })
    } catch (t) {
      thrown = t
    }
    expect((thrown as TickloomError).code).toBe('CLICKHOUSE_BUSY')
    expect((thrown as TickloomError).message).toContain(directory)
    expect((thrown as TickloomError).at['pid']).toBe(child.pid)
  } finally {
    child.kill('SIGKILL')
    await ended
  }
  await clickhouseDestination({ target: directory }).close()
})

it('one process, one directory; a temporary one gives way', () => {
  expect(embeddedEngine().isTemp).toBe(true)
  const engine = embeddedEngine(directory)
  expect(embeddedEngine()).toBe(engine)
  expect(embeddedEngine(`${directory}/.`)).toBe(engine)
  expect(() => embeddedEngine(`${directory}/other`)).toThrow(/already has the embedded engine on/)
})

it('the clustered layout parses, is replicated, and shards by underlying', () => {
  const layout = { database: 'tickloom', cluster: 'c' }
  const statements = [...ledgerDdl(layout), ...tableDdl('ticks', Tick, layout)]
  for (const sql of statements)
    expect(embeddedEngine().query(`SELECT formatQuery('${sql.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}')`)).toContain('CREATE')
  const text = statements.join('\n')
  expect(text).toMatch(/ticks_local` ON CLUSTER 'c'.*ReplicatedMergeTree PARTITION BY toYYYYMM/s)
  expect(text).toContain("Distributed('c', 'tickloom', 'ticks_local', cityHash64(splitByChar(':', `instrument`)[1]))")
})

it('contracts are read from names: underlying, expiry, strike, type', async () => {
  const to = clickhouseDestination({ target: directory })
  const instruments = new Instruments()
  const sink = await to.open({ topology: 't', run: 'r', partition: 'p', outputs: { seconds: Second }, instruments, committed: undefined })
  sink.write('seconds', contractRows(Second, instruments, 4, 1))
  await sink.flush(1)
  const said = embeddedEngine(directory)
    .query('SELECT underlying, expiry, strike, type FROM tickloom.seconds ORDER BY instrument', 'TSV')
    .trim()
    .split('\n')
  expect(said).toEqual(['BANKNIFTY\t2025-01-30\t51200.5\tPE', 'NIFTY\t\\N\t\\N\tSPOT', 'NIFTY\t2025-01-09\t24000\tCE', 'NIFTY\t2025-01-30\t\\N\tFUT'])
  await to.close()
})

it('outputs of one name and different columns share a table: what a topology does not have is missing in its rows', async () => {
  const instruments = new Instruments()
  const narrow = { ts: 'time', instrument: 'instrument', price: 'f64' } as const
  const wide = { ...narrow, anchor: 'time', distance: 'i32', trend: 'f64', side: 'buy|sell' } as const
  for (const [topology, schema] of Object.entries({ narrow, wide, again: narrow })) {
    const to = clickhouseDestination({ target: directory })
    const sink = await to.open({ topology, run: topology, partition: 'p', outputs: { picks: schema }, instruments, committed: undefined })
    sink.write('picks', contractRows(schema, instruments, 10, 1))
    await sink.flush(1)
    await sink.close()
    await to.close()
  }
  const asked = 'SELECT run_id, count(), countIf(isNaN(trend)) = count(), countIf(distance = 0) = count() FROM tickloom.picks GROUP BY 1 ORDER BY 1'
  expect(embeddedEngine(directory).query(asked).trim().split('\n')).toEqual(['"again",10,1,1', '"narrow",10,1,1', '"wide",10,0,0'])
})
