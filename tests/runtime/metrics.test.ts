import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { exposeMetrics, RunMetrics, writeMetrics } from '../../runtime/metrics.ts'
import type { PartitionTotals } from '../../runtime/summaries.ts'

const folder = mkdtempSync(join(tmpdir(), 'tickloom-metrics-'))
afterAll(() => rmSync(folder, { recursive: true }))

const run = { topology: 'volume-burst@1', run: 'r1' }
const day = (partition: string, factor: number): PartitionTotals => ({
  partition,
  rowsIn: 100 * factor,
  rowsOut: { signals: 2 * factor },
  counts: { 'dedup/duplicate': 3 * factor, 'eventTime/late': factor },
  steps: [{ id: 'dedup', rowsIn: 100 * factor, rowsOut: 97 * factor, micros: 500_000 * factor, stateBytes: 64 * factor }],
  sinks: [{ name: 'parquet', rows: 2 * factor, bytes: 80 * factor, seconds: 0.25 * factor }],
})

async function scrape(url: string): Promise<Map<string, number>> {
  const response = await fetch(url)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toContain('text/plain')
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('tickloom_'))
  return new Map(
    lines.map((line) => [
      line
        .slice(0, line.lastIndexOf(' '))
        .replace(/,?topology="volume-burst@1",run="r1"/, '')
        .replace('{}', ''),
      Number(line.slice(line.lastIndexOf(' ') + 1)),
    ]),
  )
}

describe('scraped over HTTP', () => {
  test('totals are added over partitions, and replaced when a partition goes on', async () => {
    const metrics = new RunMetrics(run, () => 1_000_000_000)
    metrics.partition(day('d1', 1))
    metrics.partition(day('d2', 2))
    metrics.partition(day('d2', 3))
    metrics.progress(400, 940_000_000)
    const served = await exposeMetrics(metrics, 0)
    const seen = await scrape(served.url)
    expect(await scrape(served.url)).toEqual(seen)
    await served.close()
    expect(Object.fromEntries(seen)).toEqual({
      tickloom_rows_in_total: 400,
      'tickloom_step_rows_in_total{step="dedup"}': 400,
      'tickloom_step_rows_out_total{step="dedup"}': 388,
      'tickloom_step_seconds_total{step="dedup"}': 2,
      'tickloom_step_state_bytes{step="dedup"}': 192,
      'tickloom_dropped_rows_total{step="dedup",reason="duplicate"}': 12,
      'tickloom_dropped_rows_total{step="eventTime",reason="late"}': 4,
      'tickloom_output_rows_total{output="signals"}': 8,
      'tickloom_sink_rows_total{sink="parquet"}': 8,
      'tickloom_sink_bytes_total{sink="parquet"}': 320,
      'tickloom_sink_flush_seconds_total{sink="parquet"}': 1,
      tickloom_watermark_seconds: 940,
      tickloom_event_time_lag_seconds: 60,
    })
  })

  test('says who the run is, and how the process does', async () => {
    const served = await exposeMetrics(new RunMetrics(run), 0)
    const text = await (await fetch(served.url)).text()
    await served.close()
    expect(text).toContain('tickloom_rows_in_total{topology="volume-burst@1",run="r1"} 0')
    expect(text).toContain('process_resident_memory_bytes{topology="volume-burst@1",run="r1"}')
  })

  test('only /metrics, and only on this machine', async () => {
    const served = await exposeMetrics(new RunMetrics(run), 0)
    expect(served.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/)
    expect((await fetch(served.url.replace('metrics', 'other'))).status).toBe(404)
    expect((await fetch(served.url, { method: 'POST' })).status).toBe(404)
    await served.close()
  })

  test('a port in use is a wrong option', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    await expect(exposeMetrics(new RunMetrics(run), port)).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      at: { host: '127.0.0.1', port },
    })
    await new Promise((resolve) => other.close(resolve))
  })
})

describe('writeMetrics', () => {
  test('leaves a file that Prometheus can read', async () => {
    const metrics = new RunMetrics(run)
    metrics.partition(day('d1', 1))
    const path = join(folder, 'deep/down/metrics.prom')
    await writeMetrics(metrics, path)
    expect(readFileSync(path, 'utf8')).toContain('tickloom_sink_rows_total{sink="parquet",topology="volume-burst@1",run="r1"} 2')
  })

  test('says so where it cannot', async () => {
    writeFileSync(join(folder, 'file'), '')
    await expect(writeMetrics(new RunMetrics(run), join(folder, 'file/metrics.prom'))).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
  })
})
