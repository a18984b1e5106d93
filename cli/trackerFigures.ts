import type { ConflateCounts } from '../connectors/feeds/conflate.ts'
import type { SteadyState } from '../runtime/steadySink.ts'
import { shownBytes, shownNumber } from './shown.ts'

/** How a tracker does. Counts: since the start. */
export interface TrackerFigures {
  /** Updates a second since the figures before. */
  readonly rate: number
  readonly symbols: number
  readonly rows: ConflateCounts
  /** What the feed and what runs beside the databases counted. */
  readonly feed: Readonly<Record<string, number>>
  readonly others: Readonly<Record<string, number>>
  readonly stores: readonly SteadyState[]
  readonly gaps: number
  /** Resident memory, bytes. */
  readonly memory: number
  /** Of the processor, seconds. */
  readonly cpu: number
  readonly seconds: number
  readonly healthy: boolean
}

/** One line: what an operator wants to see of a tracker, and the fields of it. */
export function statsLine({ rate, symbols, rows, stores, gaps, memory, cpu, seconds, others }: TrackerFigures): [string, Record<string, unknown>] {
  const flush = Math.max(0, ...stores.map(({ lastSeconds }) => lastSeconds)) * 1000
  const { conflated, dropped } = rows
  const written = stores.map(({ name, rows, failing }) => `${name}: ${shownNumber(rows)} rows written${failing === undefined ? '' : ', failing'}`)
  const said = [
    `${shownNumber(Math.round(rate))} updates/s`,
    `${shownNumber(symbols)} symbols`,
    `${shownNumber(conflated)} conflated`,
    `${shownNumber(dropped)} dropped`,
    `flush ${flush.toFixed(1)} ms`,
    `${shownBytes(memory)}`,
    `${gaps} gaps`,
    ...written,
    ...Object.entries(others).map(([name, n]) => `${shownNumber(n)} ${name}`),
  ]
  const fields = {
    updatesPerSecond: Math.round(rate * 10) / 10,
    symbols,
    ...rows,
    flushMs: Math.round(flush * 10) / 10,
    rss: memory,
    cpu,
    gaps,
    seconds,
    ...others,
  }
  return [said.join(', '), fields]
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]
interface Metric {
  readonly name: string
  readonly kind: 'counter' | 'gauge'
  readonly help: string
  readonly samples: readonly Sample[]
}

/** The figures as Prometheus reads them (text format 0.0.4). docs/cli.md lists them. Not prom-client, for its eight megabytes. */
export function exposition(figures: TrackerFigures): string {
  return `${metricsOf(figures).map(shown).join('\n')}\n`
}

function metricsOf({ symbols, rows, feed, others, stores, gaps, memory, cpu, healthy }: TrackerFigures): Metric[] {
  const { waiting, ...fates } = rows
  const labelled = (label: string, of: Readonly<Record<string, number>>): Sample[] => Object.entries(of).map(([name, n]) => [{ [label]: name }, n])
  const ofStores = (value: (state: SteadyState) => number): Sample[] => stores.map((state) => [{ sink: state.name }, value(state)])
  const now = performance.now()
  return [
    counter('tickloom_tracker_rows_total', 'Quotes by what became of them', labelled('fate', fates as Record<string, number>)),
    gauge('tickloom_tracker_waiting', 'Symbols whose newest quote waits to be handed on', [[{}, waiting]]),
    gauge('tickloom_tracker_symbols', 'Symbols subscribed', [[{}, symbols]]),
    counter('tickloom_tracker_feed_total', 'What the feed counted', labelled('what', feed)),
    counter('tickloom_tracker_others_total', 'What runs beside the databases counted', labelled('what', others)),
    counter('tickloom_gaps_total', 'Stretches in which quotes of a connection may be missing', [[{}, gaps]]),
    counter(
      'tickloom_sink_rows_total',
      'Rows a sink made durable',
      ofStores((s) => s.rows),
    ),
    counter(
      'tickloom_sink_flush_seconds_total',
      'Time spent flushing a sink',
      ofStores((s) => s.seconds),
    ),
    counter(
      'tickloom_sink_flushes_total',
      'Flushes that went well',
      ofStores((s) => s.flushes),
    ),
    counter(
      'tickloom_sink_failures_total',
      'Flushes that failed and were made again',
      ofStores((s) => s.failures),
    ),
    gauge(
      'tickloom_sink_failing_seconds',
      'How long a sink has not taken a write',
      ofStores((s) => (s.failing === undefined ? 0 : (now - s.failing.since) / 1000)),
    ),
    gauge('tickloom_tracker_healthy', '1 while /healthz answers ok', [[{}, healthy ? 1 : 0]]),
    gauge('process_resident_memory_bytes', 'Resident memory', [[{}, memory]]),
    counter('process_cpu_seconds_total', 'Time of the processor', [[{}, cpu]]),
  ]
}

const counter = (name: string, help: string, samples: readonly Sample[]): Metric => ({ name, kind: 'counter', help, samples })
const gauge = (name: string, help: string, samples: readonly Sample[]): Metric => ({ name, kind: 'gauge', help, samples })

function shown({ name, kind, help, samples }: Metric): string {
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`
  })
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`, ...lines].join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
