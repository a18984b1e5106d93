import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { ReplaySummary } from '../cli/replayOptions.ts'
import { parseGrid, settingsAt } from '../cli/sweepGrid.ts'
import type { SweepSummary } from '../cli/sweepOptions.ts'
import { benchLake, peersFolder, peersPython } from '../tests/kit/benchLake.ts'

// npm run bench:sweep: 5 days x 120 contracts x 100 sets of parameters, beside some of the 100 replays and a Numba loop of the same, in one run; as JSON.

const { values: flags } = parseArgs({
  options: { days: { type: 'string', default: '5' }, runs: { type: 'string', default: '3' }, replays: { type: 'string', default: '3' } },
})
const [days, runs, replays] = [flags.days, flags.runs, flags.replays].map(Number)
const varied = ['rollingBurst.baseline=300,600', 'signal.multiplier=1.5..3.75:0.25', 'signal.floor=100..900:200']
const grid = parseGrid(varied)
const SETS = 100
const main = fileURLToPath(new URL('../cli/main.ts', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'tickloom-bench-sweep-'))
const cache = join(work, 'cache')

interface Measured<T> {
  readonly answer: T
  /** From the start of the process to its end, start and compiling included. */
  readonly wall: number
  /** User and system seconds of it and its children. */
  readonly cpu: number
}

function tickloom<T>(args: readonly string[]): Measured<T> {
  const timed = ['-c', 'TIMEFORMAT="time %U %S %R"; time "$@"', 'bash', process.execPath, main, ...args, '--json']
  const { status, stdout, stderr } = spawnSync('bash', timed, { encoding: 'utf8', maxBuffer: 1 << 28, timeout: 900_000 })
  if (status !== 0) throw new Error(`tickloom ${args.join(' ')} ended with ${status}: ${stderr}`)
  const [, user, system, wall] = (/time ([\d.]+) ([\d.]+) ([\d.]+)/.exec(stderr) as RegExpExecArray).map(Number)
  return { answer: JSON.parse(stdout) as T, wall, cpu: user + system }
}

/** The run in the middle by CPU seconds. */
function middle<T extends { readonly cpu: number }>(measured: readonly T[]): T {
  return [...measured].sort((a, b) => a.cpu - b.cpu)[Math.floor((measured.length - 1) / 2)]
}

let round = 0
const base = (lake: string) => ['--topology', 'volume-burst', '--lake', lake, '--cache', cache]
const sweepOf = (lake: string, workers: number): Measured<SweepSummary> => {
  const params = varied.flatMap((setting) => ['--param', setting])
  return tickloom(['sweep', ...base(lake), ...params, '--workers', `${workers}`, '--out', join(work, `sweep-${++round}`)])
}
const replayOf = (lake: string, set: number): Measured<ReplaySummary> =>
  tickloom(['replay', ...base(lake), '--workers', '1', ...settingsAt(grid, set).flatMap((setting) => ['--param', setting])])

function numba(python: string, lake: string): { readonly wall: number; readonly cpu: number; readonly counts: readonly number[] } {
  const list = (path: string) => (grid.find((axis) => axis.path === path) as { values: readonly string[] }).values.join(',')
  const args = ['--multipliers', list('signal.multiplier'), '--floors', list('signal.floor'), '--baselines', list('rollingBurst.baseline')]
  const line = execFileSync(python, ['sweep_numba.py', lake, ...args], { cwd: peersFolder, encoding: 'utf8' })
    .trim()
    .split('\n')
    .pop() as string
  const { seconds, cpu, counts } = JSON.parse(line) as { seconds: number; cpu: number; counts: number[] }
  return { wall: seconds, cpu, counts }
}

const python = peersPython()
const lake = benchLake(days)
if (python === undefined || lake === undefined) throw new Error('the benchmark market and the peer need Python 3 with venv')

// The cache is there before the clock: of 100 replays all but the first have it.
tickloom(['replay', ...base(lake.merged), '--workers', '1'])
const sets = Array.from({ length: replays }, (_, i) => Math.floor(((i + 0.5) * SETS) / replays))
const rounds = Array.from({ length: runs }, (_, i) => {
  const measured = {
    one: sweepOf(lake.merged, 1),
    replays: sets.map((set) => replayOf(lake.merged, set)),
    two: sweepOf(lake.merged, 2),
    numba: numba(python, lake.perContract),
  }
  const of = ({ wall, cpu }: { wall: number; cpu: number }) => `${wall.toFixed(1)} s, ${cpu.toFixed(1)} CPU s`
  process.stderr.write(
    `round ${i + 1}: sweep ${of(measured.one)}; 2 workers ${of(measured.two)}; a replay ${of(middle(measured.replays))}; Numba ${of(measured.numba)}\n`,
  )
  return measured
})
rmSync(work, { recursive: true, force: true })

const [one, two] = [middle(rounds.map((r) => r.one)), middle(rounds.map((r) => r.two))]
const replay = middle(rounds.flatMap((r) => r.replays))
const peer = middle(rounds.map((r) => r.numba))
const ticks = replay.answer.rowsIn
const signalsOf = new Map(one.answer.sets.map(({ set, totals }) => [set, totals['signals']]))
const shown = ({ wall, cpu }: { wall: number; cpu: number }) => ({
  wallSeconds: wall,
  cpuSeconds: cpu,
  cpuMillisecondsASetAndDay: (cpu / SETS / days) * 1000,
  millionRowsTimesSetsACpuSecond: (ticks * SETS) / cpu / 1e6,
})
process.stdout.write(
  `${JSON.stringify(
    {
      date: new Date().toISOString().slice(0, 10),
      machine: { cores: cpus().length, model: cpus()[0].model, loadAverage: loadavg()[0] },
      days,
      sets: SETS,
      ticks,
      runs,
      sweep: { oneWorker: shown(one), twoWorkers: shown(two) },
      replays: {
        measured: sets.length * runs,
        oneReplay: { wallSeconds: replay.wall, cpuSeconds: replay.cpu },
        hundred: { note: 'extrapolated: 100 times the middle one', wallSeconds: replay.wall * SETS, cpuSeconds: replay.cpu * SETS },
      },
      timesLessThanReplays: {
        cpuOneWorker: (replay.cpu * SETS) / one.cpu,
        wallOneWorker: (replay.wall * SETS) / one.wall,
        wallTwoWorkers: (replay.wall * SETS) / two.wall,
      },
      numba: { note: 'one process; reading and computing, start not counted', ...shown(peer), sweepCpuOverNumba: one.cpu / peer.cpu },
      answers: {
        numbaAgrees: peer.counts.every((count, set) => count === signalsOf.get(set)),
        replaysAgree: rounds.every((r) => r.replays.every(({ answer }, i) => answer.outputs['signals'] === signalsOf.get(sets[i]))),
      },
    },
    null,
    2,
  )}\n`,
)
