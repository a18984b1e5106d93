import { expect, test } from 'vitest'
import { runHere } from '../kit/inProcess.ts'
import { describeKafka, freshTopic, kafkaHere } from '../kit/kafka.ts'

test.each([
  [['--topics', 'a,b', '--group', 'g'], /a live run reads one topic/],
  [['--topics', 'a'], /give --group, or --topology/],
  [['--topics', 'a', '--topology', 'volume-burst', '--publish', 'signal'], /no output "signal"; it has seconds, bursts, signals, late/],
])('`topics %j` is refused before anything is asked of Kafka', async (flags, message) => {
  const { code, stderr } = await runHere(['topics', ...flags])
  expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
})

describeKafka('tickloom topics', () => {
  test('lists what is missing, makes it, finds it right, and says what is wrong with another number of partitions', async () => {
    const [input, group] = [freshTopic('ticks'), freshTopic('desk')]
    const env = { TICKLOOM_BROKERS: kafkaHere().brokers.join(',') }
    const topics = (...flags: string[]) =>
      runHere(['topics', '--topology', 'volume-burst', '--topics', input, '--group', group, '--publish', 'signals', ...flags], env)
    const states = (stdout: string): string[] =>
      JSON.parse(stdout).topics.map(
        (topic: { name: string; state: string; partitions?: number }) => `${topic.name} ${topic.state} ${topic.partitions}`,
      )
    const names = [input, `${input}-dlq`, `${input}.signals`, `${group}-checkpoints`]

    const before = await topics('--json')
    expect([before.code, states(before.stdout)]).toEqual([1, names.map((name) => `${name} missing undefined`)])
    const making = await topics('--create', '--partitions', '2', '--json')
    expect([making.code, JSON.parse(making.stdout).made]).toEqual([0, names])
    const after = await topics('--json')
    expect([after.code, states(after.stdout)]).toEqual([0, names.map((name) => `${name} ok 2`)])
    expect(JSON.parse(after.stdout).topics[3]).toMatchObject({
      role: 'checkpoints',
      policy: 'compact',
      offsets: [
        { low: 0, high: 0 },
        { low: 0, high: 0 },
      ],
    })
    const wrong = await topics('--partitions', '3')
    expect([wrong.code, wrong.stdout]).toEqual([1, expect.stringMatching(`Topic ${input} \\(input\\) has 2 partitions, 3 are needed`)])
    expect(wrong.stderr).not.toContain('tickloom:')
  })
})
