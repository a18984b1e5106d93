import type { Command } from 'commander'
import type { Admin } from '../connectors/kafka/driver.ts'
import { checkTopic, ensureTopics, type PlannedTopic, planTopics } from '../connectors/kafka/topics.ts'
import { TickloomError } from '../core/errors.ts'
import { EndWith } from './exit.ts'
import { exitCodes } from './fail.ts'
import { type CommonFlags, count, list, verb, wrongFlag } from './flags.ts'
import { type KafkaFlags, openKafka, withKafkaFlags } from './kafkaFlags.ts'
import { loadTopology } from './loadTopology.ts'
import { shownNumber, table } from './tables.ts'

interface TopicsFlags extends CommonFlags, KafkaFlags {
  readonly topology?: string
  readonly topics: string[]
  readonly group?: string
  readonly partitions?: number
  readonly replicas?: number
  readonly publish?: string[]
  readonly prefix?: string
  readonly days?: number
  readonly create?: boolean
}

/** A topic that a live run needs, and what is there of it. */
interface FoundTopic {
  readonly name: string
  readonly role: PlannedTopic['role']
  readonly state: 'ok' | 'missing' | 'wrong'
  /** What is wrong. */
  readonly why?: string
  readonly partitions?: number
  readonly wanted: number
  readonly policy?: string
  /** Offsets that the partitions hold, by partition; together they are no more than this many records. */
  readonly offsets: readonly { readonly partition: number; readonly low: number; readonly high: number }[]
}

/** As many workers as can ever share the topic. */
const USUAL_PARTITIONS = 4

/** `tickloom topics`: what a live run needs in Kafka. */
export function topicsVerb(): Command {
  const command = verb('topics', 'List, or make, the Kafka topics that a live run needs.', [
    'tickloom topics --topology volume-burst --topics ticks --create --partitions 4',
    'tickloom topics --topology volume-burst --topics ticks --group desk-1 --publish signals,bursts',
    'tickloom topics --topics ticks --group desk-1 --json',
  ])
    .option('--topology <name|file>', 'names the group by default; with it, --publish is checked')
    .requiredOption('--topics <name>', 'the topic that ticks come from', list)
  return withKafkaFlags(command)
    .option('--group <name>', 'consumer group of the run; default: tickloom-<topology>')
    .option('--publish <list>', 'outputs that are published', list)
    .option('--prefix <text>', 'what the names of their topics begin with; default: the input topic and a dot')
    .option('--create', 'make what is missing')
    .option('--partitions <n>', `of every topic; default: as the input has, ${USUAL_PARTITIONS} where it is missing`, count)
    .option('--replicas <n>', "copies of those that are made; default: the broker's", count)
    .option('--days <n>', 'how long the input and the outputs keep records (7)', count)
    .action(async (flags: TopicsFlags) => {
      const wanted = await checked(flags)
      const { made, found } = await look(wanted, flags)
      answer(made, found, flags)
    })
}

/** The flags with their defaults. Throws OPTION_INVALID. */
async function checked({ topology: name, topics, group: given, publish = [], prefix }: TopicsFlags): Promise<Parameters<typeof planTopics>[0]> {
  const [input, another] = topics
  if (another !== undefined) throw wrongFlag('--topics', 'a live run reads one topic: name the input')
  const topology = name === undefined ? undefined : await loadTopology(name)
  const group = given ?? (topology && `tickloom-${topology.name}`)
  if (group === undefined) throw wrongFlag('--group', 'give --group, or --topology, whose name is the default')
  const unknown = topology && publish.find((output) => !Object.hasOwn(topology.outputs, output))
  if (unknown !== undefined)
    throw wrongFlag('--publish', `${topology?.name} has no output "${unknown}"; it has ${Object.keys(topology?.outputs ?? {}).join(', ')}`)
  return { input, group, partitions: 0, outputs: publish, prefix: prefix ?? `${input}.` }
}

async function look(
  wanted: Parameters<typeof planTopics>[0],
  flags: TopicsFlags,
): Promise<{ made: readonly string[]; found: readonly FoundTopic[] }> {
  const driver = await openKafka(flags)
  try {
    const admin = await driver.admin()
    const partitions = flags.partitions ?? (await admin.partitions(wanted.input)) ?? USUAL_PARTITIONS
    const plan = planTopics({ ...wanted, partitions, replicas: flags.replicas, days: flags.days })
    const made = flags.create ? await ensureTopics(admin, plan) : []
    const found: FoundTopic[] = []
    for (const topic of plan) found.push(await find(admin, topic))
    return { made, found }
  } finally {
    await driver.close()
  }
}

async function find(admin: Admin, topic: PlannedTopic): Promise<FoundTopic> {
  const { name, role, partitions: wanted } = topic
  const partitions = await admin.partitions(name)
  if (partitions === undefined) return { name, role, state: 'missing', wanted, offsets: [] }
  const config = await admin.config(name)
  const there = { name, role, partitions, wanted, policy: config['cleanup.policy'], offsets: await admin.offsets(name) }
  try {
    checkTopic(topic, partitions, config)
    return { ...there, state: 'ok' }
  } catch (thrown) {
    if (!(thrown instanceof TickloomError)) throw thrown
    return { ...there, state: 'wrong', why: thrown.message }
  }
}

function answer(made: readonly string[], topics: readonly FoundTopic[], { json, create }: TopicsFlags): void {
  if (json) process.stdout.write(`${JSON.stringify({ made, topics })}\n`)
  else {
    process.stdout.write(`${topicsTable(topics)}\n`)
    if (create) process.stdout.write(`made: ${made.join(', ') || 'none, all were there'}\n`)
    for (const { why } of topics) if (why !== undefined) process.stdout.write(`${why}\n`)
    if (topics.some(({ state }) => state === 'missing')) process.stdout.write('--create makes what is missing\n')
  }
  if (topics.some(({ state }) => state !== 'ok')) throw new EndWith(exitCodes.failed)
}

function topicsTable(topics: readonly FoundTopic[]): string {
  return table(
    ['topic', 'role', 'is', 'partitions', 'policy', 'offsets'],
    topics.map(({ name, role, state, partitions, wanted, policy = '', offsets }) => [
      ...[name, role, state],
      partitions === undefined || partitions === wanted ? String(wanted) : `${partitions}, not ${wanted}`,
      policy,
      offsets.map(({ partition, low, high }) => `${partition}: ${shownNumber(low)}..${shownNumber(high)}`).join('\n'),
    ]),
  )
}
