import { Counter, Gauge, type Registry } from 'prom-client'
import { TickloomError } from '../core/errors.ts'
import { SECOND } from '../core/time.ts'
import type { LiveEvent } from './liveEvents.ts'

/** What only a live run has to say to Prometheus, beside the metrics of every run (metrics.ts). docs/cli.md lists them. */
export class LiveMetrics {
  readonly #assigned = gauge('tickloom_partitions_assigned', 'Partitions that the group gave this process')
  readonly #watermark = gauge('tickloom_partition_watermark_seconds', 'Event time that a partition has reached', 'partition')
  readonly #silent = gauge('tickloom_partition_silent', '1 while nothing arrives in a partition, not even a heartbeat', 'partition')
  readonly #gaps = counter('tickloom_gaps_total', 'Times that a partition fell silent', 'partition')
  readonly #rejected = counter('tickloom_rejected_records_total', 'Records that could not be used', 'reason')
  readonly #checkpoints = counter('tickloom_checkpoints_total', 'Checkpoints saved', 'kind')
  readonly #bytes = counter('tickloom_checkpoint_bytes_total', 'Bytes of checkpoints saved', 'kind')
  readonly #seconds = counter('tickloom_checkpoint_seconds_total', 'Time from the end of the flushes of an epoch to its commit')
  readonly #failures = counter('tickloom_partition_failures_total', 'Failures after which a partition was taken up again', 'code')
  readonly #restores = counter('tickloom_restores_total', 'Partitions taken up')

  constructor(registry: Registry) {
    for (const metric of [this.#assigned, this.#watermark, this.#silent, this.#gaps, this.#rejected, this.#checkpoints])
      registry.registerMetric(metric)
    for (const metric of [this.#bytes, this.#seconds, this.#failures, this.#restores]) registry.registerMetric(metric)
  }

  take(event: LiveEvent): void {
    switch (event.type) {
      case 'assigned':
        this.#assigned.set(event.partitions.length)
        break
      case 'released':
        this.#watermark.remove(event.partition)
        this.#silent.remove(event.partition)
        break
      case 'restored':
        this.#restores.inc()
        this.#silent.set({ partition: event.partition }, 0)
        break
      case 'saved': {
        const kind = event.full ? 'full' : 'difference'
        this.#checkpoints.inc({ kind })
        this.#bytes.inc({ kind }, event.bytes)
        this.#seconds.inc(event.took / 1000)
        break
      }
      case 'failed':
        this.#failures.inc({ code: event.failure instanceof TickloomError ? event.failure.code : 'UNEXPECTED' })
        break
      case 'silent':
        this.#silent.set({ partition: event.gap.partition }, 1)
        this.#gaps.inc({ partition: event.gap.partition })
        break
      case 'heard':
        this.#silent.set({ partition: event.gap.partition }, 0)
    }
  }

  reached(partition: string, eventTime: number): void {
    if (Number.isFinite(eventTime)) this.#watermark.set({ partition }, eventTime / SECOND)
  }

  rejected(reason: string): void {
    this.#rejected.inc({ reason })
  }
}

function gauge(name: string, help: string, ...labelNames: string[]): Gauge {
  return new Gauge({ name, help, labelNames, registers: [] })
}

function counter(name: string, help: string, ...labelNames: string[]): Counter {
  return new Counter({ name, help, labelNames, registers: [] })
}
