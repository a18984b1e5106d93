import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Admin, KafkaDriver } from '../../../connectors/kafka/driver.ts'
import { openDriver } from '../../../connectors/kafka/openDriver.ts'
import { ensureTopics, planTopics } from '../../../connectors/kafka/topics.ts'
import { configOf } from '../../kit/driverBench.ts'
import { describeKafka, freshTopic, kafkaHere } from '../../kit/kafka.ts'

describeKafka('the topics of a live run', () => {
  let driver: KafkaDriver
  let admin: Admin
  beforeAll(async () => {
    driver = await openDriver(configOf('kafkajs', kafkaHere().brokers.join(',')))
    admin = await driver.admin()
  })
  afterAll(() => driver?.close())

  const plan = (partitions = 2) => {
    const run = freshTopic('run')
    return planTopics({ input: `${run}-ticks`, group: run, prefix: `${run}-`, outputs: ['bursts', 'signals'], partitions, days: 3 })
  }

  test('are made as planned, and left alone when they are there', async () => {
    const topics = plan()
    expect(await ensureTopics(admin, topics)).toEqual(topics.map(({ name }) => name))
    expect(topics.map(({ role }) => role)).toEqual(['input', 'dead letters', 'output', 'output', 'checkpoints'])
    for (const { name, partitions, config } of topics) {
      expect(await admin.partitions(name)).toBe(partitions)
      expect(await admin.config(name)).toMatchObject(config)
    }
    expect(await ensureTopics(admin, topics)).toEqual([])
  })

  test('are refused with another number of partitions, before anything is made', async () => {
    const topics = plan()
    const [output, checkpoints] = [topics[3], topics[4]]
    await admin.create({ ...output, partitions: 5 })
    await expect(ensureTopics(admin, topics)).rejects.toMatchObject({
      code: 'KAFKA_TOPIC',
      message: expect.stringMatching(new RegExp(`${output.name} .*5 partitions, 2 are needed`)),
    })
    expect(await admin.partitions(checkpoints.name)).toBeUndefined()
  })

  test.each([
    ['checkpoints that are not compacted', 4, 'delete', 'compact'],
    ['checkpoints that are deleted, too', 4, 'compact,delete', 'compact'],
    ['an input that is compacted', 0, 'compact', 'delete'],
  ])('are refused for %s', async (_, index, policy, needed) => {
    const topics = plan()
    await admin.create({ ...topics[index], config: { 'cleanup.policy': policy } })
    await expect(ensureTopics(admin, topics)).rejects.toMatchObject({
      code: 'KAFKA_TOPIC',
      message: expect.stringMatching(new RegExp(`${topics[index].name} .*${policy}, ${needed} is needed`)),
    })
  })
})
