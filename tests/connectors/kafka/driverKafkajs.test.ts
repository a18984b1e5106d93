import { driverContract } from '../../kit/driverContract.ts'
import { groupContract } from '../../kit/groupContract.ts'
import { describeKafka } from '../../kit/kafka.ts'

describeKafka('kafkajs as a driver', () => driverContract('kafkajs'))
describeKafka('kafkajs in a group', () => groupContract('kafkajs'))
