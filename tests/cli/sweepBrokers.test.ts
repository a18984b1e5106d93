import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SweepSummary } from '../../cli/sweepOptions.ts'
import { readKafkaConfig } from '../../connectors/kafka/config.ts'
import { jobRecords, partitionOfJob, resultsTopic } from '../../connectors/kafka/jobs.ts'
import { openDriver } from '../../connectors/kafka/openDriver.ts'
import { frozenTree, killGroup } from '../kit/frozenTree.ts'
import { describeKafka, freshTopic, kafkaHere } from '../kit/kafka.ts'
import { marketLake } from '../kit/marketLake.ts'

const work = mkdtempSync(join(tmpdir(), 'sweep-brokers-'))
const tree = frozenTree()
const tickloom = tree.run
const started: ChildProcess[] = []
let lake: string

/** A worker in a process group of its own; `done` counts the jobs it said it has done. */
function startWorker(args: readonly string[]): { child: ChildProcess; done: () => number; said: () => string } {
  const child = tree.start(['sweep-worker', ...args])
  started.push(child)
  let said = ''
  child.stderr?.on('data', (chunk) => {
    said += chunk
  })
  return { child, done: () => said.split('done ').length - 1, said: () => said }
}

describeKafka('tickloom sweep --brokers', () => {
  beforeAll(async () => {
    lake = await marketLake({ days: 3, strikes: 2, rate: 0.1 })
  }, 60_000)
  afterAll(async () => {
    await Promise.all(started.map((child) => killGroup(child)))
    tree.remove()
    rmSync(work, { recursive: true, force: true })
    rmSync(dirname(lake), { recursive: true, force: true })
  })

  it('two workers do every job exactly once, one of them killed -9 in the middle, and it comes to what one machine comes to', async () => {
    const jobs = freshTopic('sweeps')
    const kafka = join(work, 'kafka.json')
    writeFileSync(kafka, JSON.stringify({ brokers: kafkaHere().brokers, sessionTimeout: '6s' }))
    const asked = ['sweep', '--topology', 'volume-burst', '--lake', lake, '--param', 'signal.floor=1..24:1', '--sets-a-job', '2', '--json']
    const workerArgs = ['--kafka', kafka, '--jobs', jobs, '--workers', '1']
    const [first, second] = [startWorker(workerArgs), startWorker(workerArgs)]
    const swept = tickloom([...asked, '--kafka', kafka, '--jobs', jobs, '--out', join(work, 'far')])
    const killing = (async () => {
      while (first.done() < 3 && second.done() < 20 && first.child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20))
      await killGroup(first.child)
    })()
    second.child.once('close', () => process.stderr.write(second.said()))
    const [near, far] = [await tickloom([...asked, '--workers', '1', '--out', join(work, 'near')]), await swept]
    await killing
    expect([near.code, far.code, far.stderr + second.said().replace(/done .*\n/g, '')]).toEqual([0, 0, ''])
    const [one, many] = [near, far].map(({ stdout }) => JSON.parse(stdout) as SweepSummary)
    expect(many.sets).toEqual(one.sets)
    expect(many.computed).toBe(72)

    const ids = readFileSync(join(work, 'far', 'results.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { job: string }).job)
    expect([ids.length, new Set(ids).size]).toEqual([36, 36])
    // Committed once each: neither the killed worker's half-done job nor a job put twice has a second result.
    const results = await resultsIn(resultsTopic(jobs))
    expect(results.map(({ id }) => id).sort()).toEqual([...ids].sort())
    for (const { id, partition } of results) expect(partition).toBe(partitionOfJob(id, 16))

    // From another folder, as from another machine: what is done is gathered, not done again.
    const again = await tickloom([...asked, '--kafka', kafka, '--jobs', jobs, '--out', join(work, 'again')])
    expect((JSON.parse(again.stdout) as SweepSummary).sets).toEqual(one.sets)
    expect(await resultsIn(resultsTopic(jobs))).toHaveLength(36)
  }, 120_000)

  it('a worker on another lake takes no part', async () => {
    const jobs = freshTopic('sweeps')
    const other = await marketLake({ days: 1, strikes: 2, rate: 0.1, seed: 8 })
    const brokers = ['--brokers', kafkaHere().brokers.join(','), '--jobs', jobs]
    const sweeping = tree.start(['sweep', ...brokers, '--topology', 'volume-burst', '--lake', lake, '--out', join(work, 'other'), '--quiet'])
    started.push(sweeping)
    const { code, stderr } = await tickloom(['sweep-worker', ...brokers, '--lake', other])
    expect([code, stderr]).toEqual([2, expect.stringMatching(/this machine cannot take part in the sweep: lake is "\w+" here and "\w+" there/)])
    await killGroup(sweeping)
    rmSync(dirname(other), { recursive: true, force: true })
  }, 60_000)
})

async function resultsIn(topic: string): Promise<{ id: string; partition: number }[]> {
  const driver = await openDriver(readKafkaConfig({ flags: { brokers: kafkaHere().brokers.join(',') }, env: {} }))
  const found: { id: string; partition: number }[] = []
  const reader = await driver.reader()
  for (let partition = 0; partition < 16; partition++) {
    for await (const batch of reader.read({ topic, partition })) found.push(...jobRecords(batch).map(({ id }) => ({ id, partition })))
  }
  await driver.close()
  return found
}
