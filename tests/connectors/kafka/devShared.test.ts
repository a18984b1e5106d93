import { Kafka, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import { describeKafka, freshTopic, kafkaHere } from '../../kit/kafka.ts'

describeKafka('the broker and the registry that tests share', () => {
  test('take a topic, and give back what was sent to it', async () => {
    const topic = freshTopic('shared')
    const kafka = new Kafka({ brokers: [...kafkaHere().brokers], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    const producer = kafka.producer()
    await Promise.all([admin.connect(), producer.connect()])
    await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true })
    await producer.send({ topic, messages: [{ partition: 1, value: 'tick' }] })
    expect((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, high]).sort()).toEqual([
      [0, '0'],
      [1, '1'],
    ])
    await Promise.all([admin.disconnect(), producer.disconnect()])
  })

  test('the registry refuses what breaks its readers: BACKWARD', async () => {
    const answer = await fetch(`${kafkaHere().registry}/config`)
    expect(await answer.json()).toMatchObject({ compatibilityLevel: 'BACKWARD' })
  })
})
