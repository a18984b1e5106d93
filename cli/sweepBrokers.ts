import type { KafkaFlags } from './kafkaFlags.ts'
import type { Doer } from './sweepRun.ts'
export function byWorkers(_flags: KafkaFlags & { readonly jobs: string }): Doer {
  return async () => undefined
}
