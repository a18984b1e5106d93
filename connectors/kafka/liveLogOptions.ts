import type { Schema } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { DecoderLimits, RejectReason } from '../avro/decoder.ts'
import type { SchemaSource } from '../avro/schemaSource.ts'
import type { KafkaDriver } from './driver.ts'
import type { InboxLimits } from './inbox.ts'
import type { OutputTopics } from './outputs.ts'

export interface LiveLogOptions<S extends Schema> {
  readonly driver: KafkaDriver
  readonly group: string
  /** The log: one topic. */
  readonly topic: string
  readonly topics: { readonly checkpoints: string; readonly deadLetters: string }
  readonly outputs?: OutputTopics
  /** Columns of a tick that the topology reads. */
  readonly columns: S
  readonly instruments: Instruments
  readonly schemas: SchemaSource
  readonly limits?: DecoderLimits
  readonly inbox?: InboxLimits
  onReject?(partition: string, reason: RejectReason): void
}
