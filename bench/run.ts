import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import type { ReplaySummary } from '../cli/replayOptions.ts'
import { benchLake, peersFolder, peersPython } from '../tests/kit/benchLake.ts'

// npm run bench: the job J1 by this framework and by its peers, in one run, as JSON. Progress goes to stderr.

interface Result {
  readonly name: string
  readonly seconds: number
  /** From the start of the process to its end; of ours only. */
  readonly wholeSeconds?: number
  readonly millionTicksPerSecond: number
  readonly peakMemoryMb: number
  readonly answers?: readonly number[]
}

const { values: flags } = parseArgs({ options: { days: { type: 'string', default: '5' }, runs: { type: 'string', default: '3' } } })
const runs = Number(flags.runs)
const main = fileURLToPath(new URL('../cli/main.ts', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'tickloom-bench-'))

/** Runs a measurement several times and keeps the median by seconds. */
function median(name: string, measure: () => Result): Result {
  const results = Array.from({ length: runs }, measure).sort((a, b) => a.seconds - b.seconds)
  const result = results[Math.floor((results.length - 1) / 2)]
  process.stderr.write(
    `${name}: ${result.seconds.toFixed(2)} s${result.wholeSeconds === undefined ? '' : ` (whole ${result.wholeSeconds.toFixed(2)})`}, ${result.millionTicksPerSecond.toFixed(1)} M ticks/s, ${Math.round(result.peakMemoryMb)} MB (of ${results.map((r) => r.seconds.toFixed(2)).join(', ')})\n`,
  )
  return result
}

function peer(python: string, name: string, args: readonly string[]): Result {
  return median(name, () => {
    const line = execFileSync(python, args, { cwd: peersFolder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
      .trim()
      .split('\n')
      .pop() as string
    const r = JSON.parse(line) as {
      ticks: number
      seconds: number
      peak_rss_mb: number
      signals?: number
      sum_burst?: number
      sum_second?: number
      sum_close?: number
    }
    const answers = r.signals === undefined ? undefined : [r.signals, r.sum_burst as number, r.sum_second as number, r.sum_close as number]
    return { name, seconds: r.seconds, millionTicksPerSecond: r.ticks / r.seconds / 1e6, peakMemoryMb: r.peak_rss_mb, answers }
  })
}

/** A whole `tickloom replay` process; seconds are those of reading and computing, as the peers' leave out imports. */
function tickloom(args: readonly string[], topology = 'volume-burst'): ReplaySummary & { wholeSeconds: number } {
  const start = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'replay', '--topology', topology, '--preset', 'j1', '--json', ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  if (status !== 0) throw new Error(`tickloom replay ${args.join(' ')} ended with ${status}: ${stderr}`)
  return { ...(JSON.parse(stdout) as ReplaySummary), wholeSeconds: (performance.now() - start) / 1000 }
}

/** `ticks`: what the lake has, where the replay reads something else than ticks. */
function own(name: string, args: () => readonly string[], topology?: string, ticks?: number): Result {
  return median(name, () => {
    const s = tickloom(args(), topology)
    last.set(name, s)
    const rate = (ticks ?? s.rowsIn) / s.seconds / 1e6
    return { name, seconds: s.seconds, wholeSeconds: s.wholeSeconds, millionTicksPerSecond: rate, peakMemoryMb: s.peakMemory / 1e6 }
  })
}
const last = new Map<string, ReplaySummary & { wholeSeconds: number }>()

/** A layout filling a fresh cache, then replayed from it: what the second and every later replay of the same days costs. */
function withCache(
  layout: string,
  lakeFolder: string,
  topology?: string,
  ticks?: number,
): { readonly results: readonly Result[]; readonly megabytes: number; readonly cache: string } {
  let cache = ''
  const filled = own(
    `${layout}, 1 process, filling the cache`,
    () => {
      if (cache !== '') rmSync(cache, { recursive: true, force: true })
      cache = join(work, `cache-${++round}`)
      return ['--lake', lakeFolder, '--cache', cache, '--workers', '1']
    },
    topology,
    ticks,
  )
  const processes = [1, 2].map((n) =>
    own(
      `${layout}, cached, ${n === 1 ? '1 process' : '2 processes'}`,
      () => ['--lake', lakeFolder, '--cache', cache, '--workers', `${n}`],
      topology,
      ticks,
    ),
  )
  const megabytes =
    (readdirSync(cache, { recursive: true }) as string[]).reduce(
      (sum, name) => sum + (statSync(join(cache, name)).isFile() ? statSync(join(cache, name)).size : 0),
      0,
    ) / 1e6
  return { results: [filled, ...processes], megabytes, cache }
}

async function answersOf(out: string): Promise<number[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const rows = await connection.runAndReadAll(
    `select count(*)::double, sum(burst), sum("second")::double, round(sum(close), 2) from read_parquet('${out}/signals/**/*.parquet')`,
  )
  return rows.getRows()[0] as number[]
}

function steps(s: ReplaySummary): Record<string, string> {
  const lines = s.steps.map((step) => [step.id, `${(step.micros / 1000).toFixed(0)} ms, ${((step.micros * 1000) / s.rowsIn).toFixed(1)} ns a tick`])
  const graph = s.steps.reduce((sum, step) => sum + step.micros, 0) / 1e6
  const sinks = s.sinks.map((sink) => [`sink ${sink.name}`, `${sink.seconds.toFixed(2)} s for ${sink.rows} rows`])
  return Object.fromEntries([
    ...lines,
    ['all steps', `${graph.toFixed(2)} s`],
    ['waiting for the reader', `${s.readSeconds.toFixed(2)} s`],
    ...sinks,
    ['wall', `${s.seconds.toFixed(2)} s`],
  ]) as Record<string, string>
}

const python = peersPython()
const lake = benchLake(Number(flags.days))
if (python === undefined || lake === undefined) throw new Error('the benchmark market and the peers need Python 3 with venv')

const peers = [
  peer(python, 'polars, 2 threads', ['j1_polars.py', lake.perContract]),
  peer(python, 'polars, 2 processes', ['j1_polars.py', lake.perContract, '--procs', '2', '--warm']),
  peer(python, 'numba, 1 process', ['j1_numba.py', lake.perContract]),
  peer(python, 'numba, 2 processes', ['j1_numba.py', lake.perContract, '--procs', '2', '--warm']),
  peer(python, 'duckdb sql, 2 threads', ['j1_duckdb.py', lake.perContract, '--sql', 'cum']),
]
const scans = [
  peer(python, 'bare duckdb scan, per-contract', ['scan.py', lake.perContract, '--threads', '2']),
  peer(python, 'bare duckdb scan, merged', ['scan.py', lake.perContract, '--threads', '2', '--merged', lake.merged]),
]
let round = 0
const fresh = () => join(work, `out-${++round}`)
const ours = [
  own('merged, 1 process', () => ['--lake', lake.merged, '--workers', '1']),
  own('merged, 2 processes', () => ['--lake', lake.merged, '--workers', '2']),
  own('per-contract, 1 process', () => ['--lake', lake.perContract, '--workers', '1']),
  own('per-contract, 2 processes', () => ['--lake', lake.perContract, '--workers', '2']),
]
const cached = [withCache('merged', lake.merged), withCache('per-contract', lake.perContract)]
const onSeconds = withCache('merged, on seconds', lake.merged, 'seconds-burst', last.get('merged, 1 process')?.rowsIn)
const fromCache = await Promise.all(
  cached.map(({ cache }, i) => {
    const out = fresh()
    tickloom(['--lake', i === 0 ? lake.merged : lake.perContract, '--cache', cache, '--out', out, '--outputs', 'signals'])
    return answersOf(out)
  }),
)
const written = own('merged, everything written to Parquet and embedded ClickHouse', () => {
  const out = fresh()
  return ['--lake', lake.merged, '--workers', '2', '--out', out, '--clickhouse', join(out, 'clickhouse')]
})
const answers = await answersOf(join(work, `out-${round}`))
const best = (results: readonly Result[]) => results.reduce((a, b) => (a.seconds < b.seconds ? a : b))
const bestPolars = best(peers.slice(0, 2))
const bestNumba = best(peers.slice(2, 4))

process.stdout.write(
  `${JSON.stringify(
    {
      date: new Date().toISOString().slice(0, 10),
      machine: {
        cores: cpus().length,
        model: cpus()[0].model,
        memoryMb: Math.round(Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) / 1024),
      },
      node: process.version,
      runs,
      peers,
      scans,
      ours: [...ours, written],
      cached: {
        replays: cached.flatMap(({ results }) => results),
        megabytesOnDisk: { merged: cached[0].megabytes, perContract: cached[1].megabytes },
        note: 'the figures of "cached" are of the second and every later replay of the same days, filter and columns',
      },
      seconds: {
        replays: onSeconds.results,
        megabytesOnDisk: onSeconds.megabytes,
        signals: last.get(onSeconds.results[1].name)?.outputs['signals'],
        note: "seconds-burst: the job's bursts and signals from seconds made once; its rate is in ticks of the lake, most of which it does not read again",
      },
      answers: {
        ours: answers,
        oursFromCache: fromCache,
        peersAgree: peers.every((p) => p.answers === undefined || p.answers.every((n, i) => Math.abs(n - answers[i]) < 0.01)),
      },
      ratios: {
        bestToBestPolars: bestPolars.seconds / best(ours).seconds,
        mergedTwoProcessesToBestPolars: bestPolars.seconds / ours[1].seconds,
        mergedOneProcessToBestPolars: bestPolars.seconds / ours[0].seconds,
        perContractTwoProcessesToBestPolars: bestPolars.seconds / ours[3].seconds,
        cachedTwoProcessesToBestPolars: cached.map(({ results }) => bestPolars.seconds / results[2].seconds),
        cachedOneProcessToBestPolars: cached.map(({ results }) => bestPolars.seconds / results[1].seconds),
        cachedTwoProcessesToBestNumba: cached.map(({ results }) => bestNumba.seconds / results[2].seconds),
      },
      whereTheTimeGoes: Object.fromEntries([...last].map(([name, s]) => [name, steps(s)])),
    },
    null,
    2,
  )}\n`,
)
rmSync(work, { recursive: true, force: true })
