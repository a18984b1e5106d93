import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { JobRecord } from '../connectors/kafka/jobs.ts'
import { TickloomError } from '../core/errors.ts'
import { onShutdown } from '../runtime/shutdown.ts'
import { toFailure } from '../runtime/wire.ts'
import { type CommonFlags, count, duration, verb } from './flags.ts'
import { type KafkaFlags, openKafka } from './kafkaFlags.ts'
import { byteSize, cacheOf } from './replayCache.ts'
import { planOf } from './replayPorts.ts'
import type { PostedJob, PostedResult } from './sweepBrokers.ts'
import type { SweepJobTask } from './sweepJob.ts'
import { ofDay } from './sweepPlan.ts'
import { SweepPool } from './sweepPool.ts'
import { identityOfSweep, prepareSweep, replayOptionsOf, type SweepIdentity, type SweepSpec } from './sweepSpec.ts'

interface WorkFlags extends CommonFlags, KafkaFlags {
  readonly jobs: string
  readonly group?: string
  readonly lake?: string
  readonly workers: number
  readonly idle?: number
  readonly cache?: string
  readonly cacheSize: number
  readonly quiet?: boolean
}

/** `tickloom sweep-worker`: does the jobs of sweeps with others of its group, on this machine or on many. */
export function sweepWorkerVerb(): Command {
  return verb('sweep-worker', 'Take the jobs of `sweep --brokers` as a member of a Kafka group.', [
    'tickloom sweep-worker --brokers localhost:9092 --lake ./lake',
    'tickloom sweep-worker --brokers localhost:9092 --lake ./lake --workers 8 --idle 10m',
  ])
    .option('--brokers <list>', 'brokers, such as host:9092,host:9093; else TICKLOOM_BROKERS')
    .addOption(new Option('--driver <name>', 'Kafka client').choices(['kafkajs', 'platformatic']))
    .option('--kafka <file>', 'JSON file with settings of the connection to Kafka')
    .option('--jobs <topic>', 'topic of the jobs; their results are in <topic>-results', 'tickloom-sweeps')
    .option('--group <name>', 'consumer group; called as the topic by default')
    .option('--lake <dir>', 'folder of the lake on this machine; by default what the job says')
    .option('--workers <n>', 'processes', count, availableParallelism())
    .option('--idle <length>', 'end when no job was done for so long, such as 10m', duration)
    .option('--cache <dir|off>', 'keep decoded days in this folder; by default TICKLOOM_CACHE, else off')
    .option('--cache-size <size>', 'the most that folder may hold, such as 500MB or 20GB', byteSize, byteSize('20GB'))
    .option('--quiet', 'print nothing but failures')
    .action(run)
}

async function run(flags: WorkFlags): Promise<void> {
  const { ensureJobTopics } = await import('../connectors/kafka/jobs.ts')
  const { takeJobs } = await import('../connectors/kafka/jobTaker.ts')
  const shutdown = onShutdown()
  const idle = new AbortController()
  const pool = new SweepPool(flags.workers)
  const stop = (): void => void pool.close()
  shutdown.signal.addEventListener('abort', stop, { once: true })
  const waiting = new Idle(flags.idle, () => idle.abort())
  let done = 0
  try {
    const driver = await openKafka(flags)
    try {
      const admin = await driver.admin()
      await ensureJobTopics(admin, flags.jobs, 16)
      await admin.close()
      await takeJobs({
        driver,
        topic: flags.jobs,
        group: flags.group ?? flags.jobs,
        signal: AbortSignal.any([shutdown.signal, idle.signal]),
        work: (job) => waiting.during(() => work(job, flags, pool)),
        settles: (result) => typeof result === 'object' && result !== null && 'result' in result,
        onDone: (id) => {
          done++
          if (!flags.quiet && !flags.json) process.stderr.write(`done ${id}\n`)
        },
      })
    } catch (thrown) {
      // Told to stop, it ends in the middle of a job, which stays for somebody else.
      if (!(shutdown.signal.aborted && thrown instanceof TickloomError && thrown.code === 'INTERRUPTED')) throw thrown
    } finally {
      await driver.close()
    }
  } finally {
    waiting.end()
    shutdown.release()
    await pool.close()
  }
  if (flags.json) process.stdout.write(`${JSON.stringify({ jobs: done })}\n`)
  else if (!flags.quiet) process.stdout.write(`${done} jobs done\n`)
}

/** Does a job on this machine's lake. A failure of the job itself is its result; one of this machine ends the worker. */
async function work({ value }: JobRecord, { lake, cache, cacheSize }: WorkFlags, pool: SweepPool): Promise<PostedResult> {
  const { spec: asked, identity, job } = value as PostedJob
  const spec: SweepSpec = { ...asked, lake: lake === undefined ? asked.lake : resolve(lake), cache: cacheOf(cache, cacheSize) }
  await checkIdentity(spec, identity, job.sets)
  try {
    const sweep = await prepareSweep(spec, job.sets)
    const day = job.date.slice(0, 'YYYY-MM-DD'.length)
    const params = job.sets.map((set) => sweep.sets[set])
    const plan = await planOf(replayOptionsOf({ ...spec, from: day, to: day }), sweep.topology, params[0], params)
    const task: SweepJobTask = { ...job, spec, plan: ofDay(plan, job.date) }
    return { result: await pool.run(task) }
  } catch (thrown) {
    if (thrown instanceof TickloomError && thrown.code === 'INTERRUPTED') throw thrown
    return { failure: toFailure(thrown) }
  }
}

const checked = new Set<string>()

/** Throws RUN_MISMATCH when this machine's code or lake are not those of the sweep: it would mix two answers. */
async function checkIdentity(spec: SweepSpec, wanted: SweepIdentity, sets: readonly number[]): Promise<void> {
  const key = JSON.stringify([spec, wanted])
  if (checked.has(key)) return
  const { identity } = identityOfSweep(await prepareSweep(spec, sets))
  const differs = Object.keys(wanted).filter((name) => JSON.stringify(identity[name]) !== JSON.stringify(wanted[name]))
  if (differs.length > 0) {
    const what = differs.map((name) => `${name} is ${JSON.stringify(identity[name])} here and ${JSON.stringify(wanted[name])} there`)
    throw new TickloomError('RUN_MISMATCH', `this machine cannot take part in the sweep: ${what.join('; ')}`, { differs })
  }
  checked.add(key)
}

/** Calls back when nothing was done for so long; never where no length is given. */
class Idle {
  readonly #millis: number | undefined
  readonly #over: () => void
  #timer: NodeJS.Timeout | undefined
  #busy = 0

  constructor(micros: number | undefined, over: () => void) {
    this.#millis = micros === undefined ? undefined : micros / 1000
    this.#over = over
    this.#wait()
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#busy++
    clearTimeout(this.#timer)
    try {
      return await work()
    } finally {
      this.#busy--
      this.#wait()
    }
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #wait(): void {
    if (this.#millis !== undefined && this.#busy === 0) this.#timer = setTimeout(this.#over, this.#millis)
  }
}
