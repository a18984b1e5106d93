import { HEARTBEAT_RECORD, RecordDecoder, ROWS } from '../../connectors/avro/decoder.ts'
import { embeddedSchemas } from '../../connectors/avro/embedded.ts'
import type { SchemaSource } from '../../connectors/avro/schemaSource.ts'
import type { KafkaDriver, KafkaRecord } from '../../connectors/kafka/driver.ts'
import { Instruments } from '../../core/instruments.ts'
import { Quote } from '../../core/market.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'
import { type Row, toRows } from './table.ts'

/** What a record of a log says: the ticks in it, or the time of its heartbeat. */
export interface Sent {
  readonly record: KafkaRecord
  readonly rows: readonly Row[]
  readonly beat: number | undefined
}

/** Every record of a topic, decoded, by partition. */
export async function sentLog(driver: KafkaDriver, topic: string, partitions: number, schemas: SchemaSource = embeddedSchemas()): Promise<Sent[][]> {
  const reader = await driver.reader()
  const instruments = new Instruments()
  const decoder = new RecordDecoder({ columns: Quote, instruments, schemas })
  const decoded = async (record: KafkaRecord): Promise<Sent> => {
    const into = new RowBuffer(Quote)
    const code = decoder.decode(record.value, record.timestamp, into)
    if (code === ROWS) return { record, rows: toRows(into.view(-Infinity), Quote, instruments), beat: undefined }
    if (code === HEARTBEAT_RECORD) return { record, rows: [], beat: decoder.heartbeat }
    await decoder.resolve(decoder.schemaId)
    return decoded(record)
  }
  const found: Sent[][] = []
  for (let partition = 0; partition < partitions; partition++) {
    const sent: Sent[] = []
    for await (const batch of reader.read({ topic, partition })) {
      for (let i = 0; i < batch.n; i++) sent.push(await decoded(batch.record(i)))
    }
    found.push(sent)
  }
  await reader.close()
  return found
}
