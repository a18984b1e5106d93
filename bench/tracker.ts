import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ours, python, script } from './trackerCandidates.ts'
import { type Candidate, type Figures, type Load, measure } from './trackerRun.ts'

/*
 * npm run bench:tracker: `tickloom tracker` with everything on, before a simulated market, beside a script of 40 lines
 * and the usual shape of such a thing in Python; JSON on stdout, the table and what is wrong on stderr. One after the
 * other, so that none is measured beside another: 3 x --seconds (300) of ours, 6 x --peer-seconds (75) of the others, and
 * some 15 s around each. Ends with 1 when a limit is broken.
 */

const { values: flags } = parseArgs({
  allowNegative: true,
  options: {
    seconds: { type: 'string', default: '300' },
    'peer-seconds': { type: 'string', default: '75' },
    build: { type: 'boolean', default: true },
    peers: { type: 'boolean', default: true },
    /** Where another build than this checkout's is measured. */
    main: { type: 'string', default: fileURLToPath(new URL('../dist/cli/main.js', import.meta.url)) },
  },
})
const say = (line: string): void => void process.stderr.write(`${line}\n`)

/** MB of 10^6 bytes, percent of one core. `rise`: MB that the memory's slope makes of the last half. */
interface Limits {
  readonly rss: number
  readonly cpu?: number
}
const everywhere = { fileMb: 20, rise: 2, lost: 0, start: 2 }

interface Case extends Load {
  readonly candidate: Candidate
  readonly limits?: Limits
}

function cases(): Case[] {
  const [long, short] = [Number(flags.seconds), Number(flags['peer-seconds'])]
  const loads = [
    { symbols: 2000, updates: 500 },
    { symbols: 2000, updates: 5000 },
    { symbols: 10_000, updates: 5000 },
  ]
  const own: Case[] = [
    { candidate: ours('minimal', flags.main), ...loads[0], seconds: long, limits: { rss: 95, cpu: 2 } },
    { candidate: ours('standard', flags.main), ...loads[1], seconds: long, limits: { rss: 125, cpu: 7 } },
    { candidate: ours('performance', flags.main), ...loads[2], seconds: long, limits: { rss: 150 } },
  ]
  if (!flags.peers) return own
  const peers = [script, python()].filter((candidate) => candidate !== undefined)
  return [...own, ...peers.flatMap((candidate) => loads.map((load) => ({ candidate, ...load, seconds: short })))]
}

/** What is broken, a line each. */
function broken(figures: Figures, { rss, cpu }: Limits): string[] {
  const over = (what: string, value: number, most: number): string[] =>
    value <= most
      ? []
      : [`${figures.name}, ${figures.symbols} symbols at ${figures.updates}/s: ${what} is ${value.toFixed(2)}, at most ${most} is asked`]
  return [
    ...over('RSS in MB', figures.rss, rss),
    ...(cpu === undefined ? [] : over('CPU in % of a core', figures.cpu, cpu)),
    ...over('growth of the RSS over the last half in MB', figures.rise, everywhere.rise),
    ...over('the SQLite file, and a day of its growth, in MB', figures.checkpointedMb + Math.max(0, figures.growthMbPerDay), everywhere.fileMb),
    ...over('symbols whose quote a SIGKILL lost', figures.lost, everywhere.lost),
    ...over('seconds to its subscriptions', figures.subscribedAfter, everywhere.start),
  ]
}

const heads = [
  '',
  'symbols',
  'updates/s',
  'RSS',
  'peak',
  'slope MB/h',
  'CPU %',
  'start s',
  'first row s',
  'file',
  'checkpointed',
  'file MB/day',
  'written GB/day',
  'lost',
]
function row(f: Figures): string[] {
  const slope = `${f.slope.toFixed(1)} ± ${f.slopeError.toFixed(1)}`
  const numbers = [f.fileMb, f.checkpointedMb, f.growthMbPerDay, f.writtenGbPerDay].map((n) => n.toFixed(1))
  const times = [f.subscribedAfter, f.firstRowAfter].map((n) => n.toFixed(2))
  return [
    f.name,
    String(f.symbols),
    String(f.updates),
    f.rss.toFixed(0),
    f.peak.toFixed(0),
    slope,
    f.cpu.toFixed(2),
    ...times,
    ...numbers,
    String(f.lost),
  ]
}
const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

if (flags.build) {
  // A build of now, as it would be published; what does not compile says so itself.
  const { status } = spawnSync('npm', ['run', 'build', '--silent'], { cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: ['ignore', 2, 2] })
  if (status !== 0) say(`the build ended with ${status}; what it left is measured`)
}
const results: Figures[] = []
const complaints: string[] = []
const loadBefore = loadavg()[0]
for (const { candidate, limits, ...load } of cases()) {
  say(`${candidate.name}: ${load.symbols} symbols, ${load.updates} updates/s, ${load.seconds} s`)
  const figures = await measure(candidate, load)
  results.push(figures)
  if (limits !== undefined) complaints.push(...broken(figures, limits))
  say(line(row(figures)))
}
say(
  ['', line(heads), line(heads.map((_, i) => (i === 0 ? '---' : '---:'))), ...results.map((figures) => line(row(figures))), '', ...complaints].join(
    '\n',
  ),
)
const machine = {
  cores: cpus().length,
  model: cpus()[0].model,
  memoryMb: Math.round(Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) / 1024),
  // Of the minute before: above a few tenths, others were at work, and CPU figures are higher than they should be.
  loadBefore,
}
process.stdout.write(
  `${JSON.stringify({ date: new Date().toISOString().slice(0, 10), machine, node: process.version, results, broken: complaints }, null, 2)}\n`,
)
process.exitCode = complaints.length > 0 ? 1 : 0
