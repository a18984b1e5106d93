import type { Command } from 'commander'
import { deadLetterTopic } from '../connectors/kafka/topics.ts'
import { onShutdown } from '../runtime/shutdown.ts'
import { FOREIGN, type ShownLetter } from './dlqLetters.ts'
import type { LetterGroup } from './dlqRead.ts'
import type { Republished } from './dlqRepublish.ts'
import { EndWith } from './exit.ts'
import { exitCodes } from './fail.ts'
import { type CommonFlags, count, verb, wrongFlag } from './flags.ts'
import { type KafkaFlags, openKafka, withKafkaFlags } from './kafkaFlags.ts'
import { shownBytes, shownNumber, table } from './tables.ts'

interface DlqFlags extends CommonFlags, KafkaFlags {
  readonly topic: string
  readonly reason?: string
  readonly limit?: number
  readonly show?: boolean
  readonly republish?: boolean
  readonly to?: string
}

/** Records that `--show` prints without `--limit`. */
const USUAL_SHOWN = 20

/** `tickloom dlq`: records of a topic that could not be used. */
export function dlqVerb(): Command {
  const command = verb('dlq', 'Look at the dead letters of a topic, and send them again once what was wrong is mended.', [
    'tickloom dlq --topic ticks',
    'tickloom dlq --topic ticks --reason unknown_schema --show --limit 5',
    'tickloom dlq --topic ticks --reason unknown_schema --republish',
    'tickloom dlq --topic ticks --republish --to ticks-mended --json',
  ]).requiredOption('--topic <name>', 'the topic that the records came from')
  return withKafkaFlags(command)
    .option('--reason <name>', 'only those of this reason')
    .option('--show', 'print single records, the oldest first')
    .option('--republish', 'send those again that were not yet, each into the partition it came from')
    .option('--to <topic>', 'send them there instead')
    .option('--limit <n>', `records to show (${USUAL_SHOWN}) or to send again (all)`, count)
    .action(async (flags: DlqFlags) => {
      if (flags.show && flags.republish) throw wrongFlag('--show', 'either --show or --republish')
      if (flags.to !== undefined && !flags.republish) throw wrongFlag('--to', '--to needs --republish')
      if (flags.limit !== undefined && !flags.show && !flags.republish) throw wrongFlag('--limit', '--limit needs --show or --republish')
      await work(flags)
    })
}

async function work(flags: DlqFlags): Promise<void> {
  const [{ groupLetters, firstLetters }, driver] = [await import('./dlqRead.ts'), await openKafka(flags)]
  const shutdown = onShutdown('stopping after the transaction under way')
  try {
    const { topic, reason, limit, to } = flags
    const reading = { admin: await driver.admin(), reader: await driver.reader(), topic, reason, signal: shutdown.signal }
    if (flags.show) print(flags, await firstLetters(reading, limit ?? USUAL_SHOWN), shownLetters)
    else if (flags.republish) {
      const { republish } = await import('./dlqRepublish.ts')
      const reasons = reason === undefined ? (await groupLetters(reading)).map((group) => group.reason) : [reason]
      const sent = await republish({ ...reading, driver, reasons: reasons.filter((name) => name !== FOREIGN), to, limit: limit ?? Infinity })
      print(flags, sent, republishedTable)
    } else print(flags, await groupLetters(reading), (groups) => groupsTable(topic, groups))
    if (shutdown.signal.aborted) throw new EndWith(exitCodes.interrupted)
  } catch (thrown) {
    if (shutdown.signal.aborted && thrown === shutdown.signal.reason) throw new EndWith(exitCodes.interrupted)
    throw thrown
  } finally {
    shutdown.release()
    await driver.close()
  }
}

function print<T>({ json }: DlqFlags, answer: T, text: (answer: T) => string): void {
  const asJson = (): string => JSON.stringify(answer, (_, value: unknown) => (value instanceof Set ? [...value] : value))
  process.stdout.write(`${json ? asJson() : text(answer)}\n`)
}

function groupsTable(topic: string, groups: readonly LetterGroup[]): string {
  if (groups.length === 0) return `${deadLetterTopic(topic)} has no dead letters to show`
  const rows = groups.map(({ reason, count, waiting, first, last, partitions }) => [
    ...[reason, count, waiting, first, last],
    [...partitions].sort((a, b) => a - b).join(', '),
  ])
  const examples = groups.map(({ example }) => letterText(example))
  return [table(['reason', 'letters', 'not sent again', 'first', 'last', 'partitions'], rows), 'The first of each:', ...examples].join('\n')
}

function shownLetters(letters: readonly ShownLetter[]): string {
  return letters.length === 0 ? 'no dead letters to show' : letters.map(letterText).join('\n')
}

function letterText({ reason, partition, offset, from, made, rejected, key, size, headers, hex, ascii }: ShownLetter): string {
  const origin = from === undefined ? 'from nobody knows where' : `${from.topic} ${from.partition}/${from.offset}`
  const own = Object.entries(headers).map(([name, value]) => `${name}=${value}`)
  return [
    `${partition}/${offset}  ${reason}  ${origin}  made ${made}  rejected ${rejected}`,
    `  key ${key ?? 'none'}, ${size < 0 ? 'no value' : shownBytes(size)}${own.length > 0 ? `, headers ${own.join(' ')}` : ''}`,
    ...(hex === '' ? [] : [`  ${hex}  |${ascii}|`]),
  ].join('\n')
}

function republishedTable(sent: readonly Republished[]): string {
  const all = sent.reduce((sum, { records }) => sum + records, 0)
  if (all === 0) return 'no dead letter waits to be sent again'
  return table(
    ['reason', 'sent again'],
    sent.map(({ reason, records }) => [reason, shownNumber(records)]),
  )
}
