import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { TickloomError } from '../../core/errors.ts'
import { Health } from '../../runtime/health.ts'
import type { Gap, LiveEvent } from '../../runtime/liveEvents.ts'
import { LiveMetrics } from '../../runtime/liveMetrics.ts'

const gap: Gap = { partition: '1', from: 1e15, to: undefined, instruments: ['NIFTY'] }
const restored = (partition: string): LiveEvent => ({ type: 'restored', partition, epoch: 7, bytes: 10, took: 1, reset: false })
const failed: LiveEvent = { type: 'failed', partition: '0', failure: new TickloomError('CLICKHOUSE_REFUSED', 'nobody answers'), retryIn: 500 }

describe('health', () => {
  it('is ready once the partitions that came here are restored', () => {
    const health = new Health()
    const said: string[] = []
    for (const event of [{ type: 'assigned', partitions: ['0', '1'] }, restored('0'), restored('1')] as LiveEvent[]) {
      said.push(health.readyz().text.trim())
      health.take(event)
    }
    expect([...said, health.readyz().text.trim()]).toEqual([
      'not yet a member of the group',
      'partition 0 is being restored\npartition 1 is being restored',
      'partition 1 is being restored',
      'ok',
    ])
    expect(health.readyz().status).toBe(200)
  })

  it('names what is silent, what failed and a group that was lost, until that is over', () => {
    const health = new Health()
    health.take({ type: 'assigned', partitions: ['0', '1'] })
    const whenTold = (event: LiveEvent): string => {
      health.take(event)
      return `${health.healthz().status} ${health.healthz().text.trim()}`
    }
    expect(whenTold({ type: 'silent', gap })).toBe('503 partition 1 is silent: neither ticks nor heartbeats arrive')
    expect(whenTold({ type: 'heard', gap: { ...gap, to: 2e15 } })).toBe('200 ok')
    expect(whenTold(failed)).toBe('503 partition 0 failed and is tried again: CLICKHOUSE_REFUSED: nobody answers')
    expect(whenTold(restored('0'))).toBe('200 ok')
    expect(whenTold({ type: 'left', failure: new Error('gone'), retryIn: 1 })).toBe('503 the group was left and is joined again: gone')
    expect(health.readyz().status).toBe(503)
    expect(whenTold({ type: 'assigned', partitions: [] })).toBe('200 ok')
  })
})

describe('metrics of a live run', () => {
  it('count what happens to it', async () => {
    const registry = new Registry()
    const metrics = new LiveMetrics(registry)
    const saved = (full: boolean, bytes: number): LiveEvent => ({ type: 'saved', partition: '1', epoch: 1, full, bytes, took: 250 })
    const events: LiveEvent[] = [{ type: 'assigned', partitions: ['0', '1'] }, restored('1'), saved(true, 100), saved(false, 7), saved(false, 8)]
    for (const event of [...events, failed, { type: 'silent', gap } as const]) metrics.take(event)
    metrics.reached('1', 1.5e15)
    metrics.rejected('bad_price')
    const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith('tickloom'))
    expect(lines).toEqual([
      'tickloom_partitions_assigned 2',
      'tickloom_partition_watermark_seconds{partition="1"} 1500000000',
      'tickloom_partition_silent{partition="1"} 1',
      'tickloom_gaps_total{partition="1"} 1',
      'tickloom_rejected_records_total{reason="bad_price"} 1',
      'tickloom_checkpoints_total{kind="full"} 1',
      'tickloom_checkpoints_total{kind="difference"} 2',
      'tickloom_checkpoint_bytes_total{kind="full"} 100',
      'tickloom_checkpoint_bytes_total{kind="difference"} 15',
      'tickloom_checkpoint_seconds_total 0.75',
      'tickloom_partition_failures_total{code="CLICKHOUSE_REFUSED"} 1',
      'tickloom_restores_total 1',
    ])
    metrics.take({ type: 'released', partition: '1' })
    expect(await registry.metrics()).not.toContain('partition_silent{')
  })
})
