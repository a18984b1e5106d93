import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePorts } from '../../../connectors/kafka/dev/ports.ts'
import type { KafkaDriver } from '../../../connectors/kafka/driver.ts'
import { openDriver } from '../../../connectors/kafka/openDriver.ts'
import { configOf, record } from '../../kit/driverBench.ts'
import { describeKafka, freshTopic, type OwnKafka, ownKafka } from '../../kit/kafka.ts'

const PASSWORD = 'right-pa55word'
const WRONG = 'wr0ng-pa55word'
const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule'

describeKafka(
  'a broker that asks who is there',
  () => {
    let kafka: OwnKafka
    let brokers: string
    beforeAll(async () => {
      const [open, controller, login] = await freePorts(3)
      brokers = `127.0.0.1:${login}`
      const listeners = `PLAINTEXT://127.0.0.1:${open},LOGIN://127.0.0.1:${login}`
      kafka = await ownKafka({
        properties: {
          ...{ listeners: `${listeners},CONTROLLER://127.0.0.1:${controller}`, 'advertised.listeners': listeners },
          'controller.quorum.voters': `1@127.0.0.1:${controller}`,
          'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_PLAINTEXT',
          'sasl.enabled.mechanisms': 'PLAIN',
          'listener.name.login.plain.sasl.jaas.config': `${PLAIN} required user_trader="${PASSWORD}";`,
        },
      })
    })
    afterAll(() => kafka?.stop())

    describe.each(['kafkajs', 'platformatic'])('%s', (driver) => {
      test('is let in with the right password', async () => {
        const opened = await openDriver(configOf(driver, brokers, { sasl: 'plain', user: 'trader', password: PASSWORD }))
        await sendAndRead(opened)
        await opened.close()
      })

      test('is KAFKA_REFUSED with a wrong one, at once, and nothing says which', async () => {
        const logged: string[] = []
        const started = performance.now()
        const config = configOf(driver, brokers, { sasl: 'plain', user: 'trader', password: WRONG })
        const failure = await openDriver(config, { log: (_, message) => void logged.push(message) }).catch((error: unknown) => error)
        expect(failure).toMatchObject({ code: 'KAFKA_REFUSED' })
        expect(performance.now() - started).toBeLessThan(5000)
        expect(inspect(failure, { depth: 9, showHidden: true }) + JSON.stringify(failure) + logged.join()).not.toContain(WRONG)
      })
    })
  },
  { shared: false },
)

async function sendAndRead(driver: KafkaDriver): Promise<void> {
  const topic = freshTopic('login')
  await (await driver.admin()).create({ name: topic, partitions: 1 })
  await (await driver.producer()).send({ topic, partition: 0, records: [record('a')] })
  const found: string[] = []
  for await (const batch of (await driver.reader()).read({ topic, partition: 0 })) found.push(String(batch.values[0]))
  expect(found).toEqual(['a'])
}
