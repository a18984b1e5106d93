import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { messageOf, TickloomError } from '../core/errors.ts'
import { SECOND } from '../core/time.ts'
import { type Exposed, type Routes, serveHttp } from './http.ts'
import type { SinkSummary } from './meteredSink.ts'
import type { PartitionTotals, StepSummary } from './summaries.ts'

type Sample = readonly [labels: Record<string, string>, value: number]
type Total = (all: readonly PartitionTotals[]) => Sample[]

const step =
  (value: (s: StepSummary) => number): Total =>
  (all) =>
    all.flatMap((p) => p.steps.map((s) => [{ step: s.id }, value(s)] as const))
const sink =
  (value: (s: SinkSummary) => number): Total =>
  (all) =>
    all.flatMap((p) => p.sinks.map((s) => [{ sink: s.name }, value(s)] as const))

/** Every total shown, added over partitions. docs/cli.md lists them. */
const totals: readonly { readonly name: string; readonly help: string; readonly labels: readonly string[]; readonly total: Total }[] = [
  { name: 'tickloom_step_rows_in_total', help: 'Rows a step received', labels: ['step'], total: step((s) => s.rowsIn) },
  { name: 'tickloom_step_rows_out_total', help: 'Rows a step sent on', labels: ['step'], total: step((s) => s.rowsOut) },
  { name: 'tickloom_step_seconds_total', help: 'Time spent in a step', labels: ['step'], total: step((s) => s.micros / SECOND) },
  { name: 'tickloom_dropped_rows_total', help: 'Rows a step dropped or remarked on', labels: ['step', 'reason'], total: droppedRows },
  {
    name: 'tickloom_output_rows_total',
    help: 'Rows of an output',
    labels: ['output'],
    total: (all) => all.flatMap((p) => Object.entries(p.rowsOut).map(([output, n]) => [{ output }, n] as const)),
  },
  { name: 'tickloom_sink_rows_total', help: 'Rows a sink made durable', labels: ['sink'], total: sink((s) => s.rows) },
  { name: 'tickloom_sink_bytes_total', help: 'Bytes a sink made durable', labels: ['sink'], total: sink((s) => s.bytes) },
  { name: 'tickloom_sink_flush_seconds_total', help: 'Time spent flushing a sink', labels: ['sink'], total: sink((s) => s.seconds) },
]

function droppedRows(all: readonly PartitionTotals[]): Sample[] {
  return all.flatMap((p) =>
    Object.entries(p.counts).map(([key, n]) => {
      const cut = key.lastIndexOf('/')
      return [{ step: key.slice(0, cut), reason: key.slice(cut + 1) }, n] as const
    }),
  )
}

/** The metrics of one run, as Prometheus reads them. */
export class RunMetrics {
  readonly registry = new Registry()
  readonly #partitions = new Map<string, PartitionTotals>()
  #rowsIn = 0
  #watermark = -Infinity

  /** `now`: microseconds of wall-clock time, which the lag is measured against. */
  constructor(run: { readonly topology: string; readonly run: string }, now: () => number = () => Date.now() * 1000) {
    this.registry.setDefaultLabels(run)
    const reached = (value: (watermark: number) => number) => (): Sample[] => (this.#watermark === -Infinity ? [] : [[{}, value(this.#watermark)]])
    for (const { name, help, labels, total } of totals) this.#show(Counter, name, help, labels, () => total([...this.#partitions.values()]))
    this.#show(Counter, 'tickloom_rows_in_total', 'Rows read', [], () => [[{}, this.#rowsIn]])
    this.#show(Gauge, 'tickloom_step_state_bytes', 'Memory a step holds, in the partition where it held most', ['step'], () =>
      largestState([...this.#partitions.values()]),
    )
    this.#show(
      Gauge,
      'tickloom_watermark_seconds',
      'Event time reached, since the epoch',
      [],
      reached((w) => w / SECOND),
    )
    this.#show(
      Gauge,
      'tickloom_event_time_lag_seconds',
      'Wall clock minus event time reached',
      [],
      reached((w) => (now() - w) / SECOND),
    )
  }

  /** Rows read in all, and the event time reached. */
  progress(rowsIn: number, eventTime: number): void {
    this.#rowsIn = rowsIn
    if (eventTime > this.#watermark) this.#watermark = eventTime
  }

  /** What a partition came to so far; replaces what was said of it before. */
  partition(totals: PartitionTotals): void {
    this.#partitions.set(totals.partition, totals)
  }

  text(): Promise<string> {
    return this.registry.metrics()
  }

  /** A metric that is worked out whenever somebody asks; samples of the same labels add up. */
  #show(Kind: typeof Counter | typeof Gauge, name: string, help: string, labelNames: readonly string[], samples: () => readonly Sample[]): void {
    new Kind({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        this.reset()
        for (const [labels, value] of samples()) this.inc(labels, value)
      },
    })
  }
}

function largestState(all: readonly PartitionTotals[]): Sample[] {
  const largest = new Map<string, number>()
  for (const { id, stateBytes } of all.flatMap((p) => p.steps)) largest.set(id, Math.max(largest.get(id) ?? 0, stateBytes))
  return [...largest].map(([id, bytes]) => [{ step: id }, bytes] as const)
}

/** Serves the metrics at /metrics, and what else is given, to this machine only unless another host is named; port 0 takes a free one. */
export async function exposeMetrics(metrics: RunMetrics, port: number, host?: string, more: Routes = {}): Promise<Exposed> {
  collectDefaultMetrics({ register: metrics.registry })
  const { contentType: type } = metrics.registry
  return serveHttp({ '/metrics': async () => ({ status: 200, type, text: await metrics.text() }), ...more }, port, host)
}

/** Writes the metrics as they stand, for a run too short to be scraped. */
export async function writeMetrics(metrics: RunMetrics, path: string): Promise<void> {
  const text = await metrics.text()
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(`${path}.tmp`, text)
    renameSync(`${path}.tmp`, path)
  } catch (cause) {
    throw new TickloomError('OUTPUT_UNWRITABLE', `cannot write the metrics to ${path}: ${messageOf(cause)}`, { path }, cause)
  }
}
