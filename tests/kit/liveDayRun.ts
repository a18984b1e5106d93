import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../../connectors/kafka/dev/ports.ts'
import { type Answer, main, tickloom } from './commandLine.ts'
import { freshTopic, kafkaHere } from './kafka.ts'

export interface DayOfParity {
  readonly folder: string
  /** As the flag --speed. */
  readonly speed: string
  /** Parts of the day that are fed; between one and the next only heartbeats come. */
  readonly parts: readonly string[]
  readonly blocks: string
  /** What runs live; volume-burst by default. */
  readonly topology?: string
  /** Its parameters, name=value. */
  readonly params?: readonly string[]
}

export const PARITY_DATE = '2025-01-06'
// In different partitions of two.
const SYMBOLS = ['NIFTY', 'FINNIFTY']

/** A market with late rows and doubles of two underlyings through `feed`, `live` and `record`, all as a user starts them. Throws what any of them said when it failed. */
export async function runParityDay({
  folder,
  speed,
  parts,
  blocks,
  topology = 'volume-burst',
  params = [],
}: DayOfParity): Promise<{ live: string; database: string; recorded: string }> {
  const [market, live, recorded, database] = ['market', 'live', 'recorded', 'db'].map((name) => join(folder, name))
  for (const [i, symbol] of SYMBOLS.entries())
    await done([
      'synth',
      '--out',
      market,
      '--days',
      '1',
      '--from',
      PARITY_DATE,
      '--symbol',
      symbol,
      '--strikes',
      '2',
      '--seed',
      `${i + 3}`,
      '--order',
      'arrival',
    ])
  const topic = freshTopic('parity')
  const brokers = ['--brokers', kafkaHere().brokers.join(',')]
  await done(['topics', '--topology', topology, '--topics', topic, '--group', `${topic}-live`, '--partitions', '2', '--create', ...brokers])
  const common = ['--topics', topic, ...brokers, '--epoch', '10s', '--silence', '60s']
  const running = [
    // Small fetches, so that batches are cut in other places than the recorder's.
    await start(
      [
        ...['live', '--topology', topology, ...params.flatMap((param) => ['--param', param])],
        ...['--group', `${topic}-live`, '--run', 'L', '--out', live, '--clickhouse', database, ...common],
      ],
      { TICKLOOM_KAFKA_FETCH_BYTES: '7000' },
    ),
    await start(['record', '--group', `${topic}-record`, '--lake', recorded, ...common]),
  ]
  try {
    for (const [i, part] of parts.entries()) {
      const until = parts[i + 1] === undefined ? [] : ['--until', parts[i + 1].split('..')[0], '--tail', '1s']
      await done(['feed', '--lake', market, '--topic', topic, ...brokers, '--time', part, '--speed', speed, '--blocks', blocks, '--quiet', ...until])
    }
    for (const worker of running) await worker.reached(parts.at(-1)?.split('..')[1] as string)
  } finally {
    for (const worker of running) await worker.stop()
  }
  return { live, database, recorded }
}

async function done(args: readonly string[]): Promise<Answer> {
  const answer = await tickloom(args)
  if (answer.code !== 0) throw new Error(`tickloom ${args.join(' ')} ended with ${answer.code}: ${answer.stderr}`)
  return answer
}

interface Running {
  /** Waits until every partition has come past the wall clock given, by more than two epochs. */
  reached(clock: string): Promise<void>
  stop(): Promise<void>
}

async function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Running> {
  const [port] = await freePorts(1)
  const child: ChildProcess = spawn(process.execPath, [main, ...args, '--http', String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  })
  let said = ''
  child.stderr?.on('data', (chunk) => {
    said += chunk
  })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  const get = (path: string): Promise<string> => fetch(`http://127.0.0.1:${port}${path}`).then((answer) => (answer.ok ? answer.text() : ''))
  const until = async (what: string, seconds: number, is: () => Promise<boolean>): Promise<void> => {
    for (const end = performance.now() + seconds * 1000; !(await is().catch(() => false)); await sleep(100)) {
      if (performance.now() > end || child.exitCode !== null) throw new Error(`${args[0]}: it never came to this: ${what}\n${said.slice(-2000)}`)
    }
  }
  await until('ready', 30, async () => (await get('/readyz')) === 'ok\n')
  return {
    reached: (clock) =>
      until(`past ${clock}`, 120, async () => {
        const wanted = Date.parse(`${PARITY_DATE}T${clock}:00+05:30`) / 1000 + 21
        const marks = (await get('/metrics')).split('\n').filter((line) => line.startsWith('tickloom_partition_watermark_seconds'))
        return marks.length === 2 && marks.every((line) => Number(line.slice(line.lastIndexOf(' ') + 1)) >= wanted)
      }),
    async stop() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
      const code = await ended
      clearTimeout(timer)
      if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${said.slice(-2000)}`)
    },
  }
}
