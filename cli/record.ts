import type { Command } from 'commander'
import { count, durationOption, list, verb } from './flags.ts'
import { withKafkaFlags } from './kafkaFlags.ts'
import { answerLive, checkTopics } from './live.ts'
import type { LiveFlags } from './liveOptions.ts'

/** `tickloom record`: the topology `record` on a topic, into a lake. */
export function recordVerb(): Command {
  const command = verb(
    'record',
    'Write everything a Kafka topic brings into a lake, in the order it comes, so that the day can be replayed exactly.',
    [
      'tickloom record --brokers localhost:9092 --topics ticks --lake ./recorded',
      'tickloom replay --topology volume-burst --lake ./recorded --from 2025-01-06 --to 2025-01-06 --out ./runs/again',
    ],
  )
    .requiredOption('--topics <name>', 'the topic that ticks come from', list)
    .requiredOption('--lake <dir>', 'folder of the lake')
  return withKafkaFlags(command)
    .option('--group <name>', 'consumer group; its workers share the partitions. Default: tickloom-record-<topic>')
    .addOption(durationOption('--epoch <length>', 'event time between two files', '1m'))
    .addOption(durationOption('--silence <length>', 'how long nothing may arrive in a partition before it is reported', '3s'))
    .option('--http <port>', 'serve /metrics, /healthz and /readyz', count)
    .option('--http-host <address>', 'where to serve them', '127.0.0.1')
    .option('--create', 'make the topics that are missing, the input with one partition')
    .option('--quiet', 'print nothing but failures')
    .action(async (flags: Omit<LiveFlags, 'topology' | 'param'>) => {
      checkTopics(flags.topics)
      const { live } = await import('./liveRun.ts')
      answerLive(await live({ ...flags, topology: 'record', param: [], group: flags.group ?? `tickloom-record-${flags.topics[0]}` }), flags)
    })
}
