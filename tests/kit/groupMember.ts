import { parseArgs } from 'node:util'
import { readKafkaConfig } from '../../connectors/kafka/config.ts'
import type { GroupReader } from '../../connectors/kafka/driver.ts'
import { openDriver } from '../../connectors/kafka/openDriver.ts'

/** A process of its own that is a member of a group until it is killed; says on stdout which partitions it has. */
const { values } = parseArgs({
  options: { brokers: { type: 'string' }, driver: { type: 'string' }, group: { type: 'string' }, topic: { type: 'string' } },
})
const driver = await openDriver(readKafkaConfig({ flags: { brokers: values.brokers, driver: values.driver, sessionTimeout: '6s' } }))
const reader: GroupReader = await driver.join({
  group: values.group!,
  topic: values.topic!,
  member: {
    onAssigned(partitions) {
      for (const partition of partitions) reader.seek(partition, 0)
      process.stdout.write(`${JSON.stringify(partitions)}\n`)
    },
    onRecords() {},
  },
})
await reader.ended
