import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { costsOf, type Measurements, sourceOf } from './trackerFit.ts'
import { measureGrid } from './trackerGrid.ts'

/*
 * node bench/fitTracker.ts [--measure] [--seconds 30]: fits what `tickloom tracker plan` says to bench/trackerGrid.json and
 * writes cli/trackerCosts.ts. With --measure it measures that grid anew first, on a build of now: 16 points, ten minutes.
 */

const { values: flags } = parseArgs({ options: { measure: { type: 'boolean', default: false }, seconds: { type: 'string', default: '30' } } })
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const file = here('trackerGrid.json')

if (flags.measure) {
  spawnSync('npm', ['run', 'build', '--silent'], { cwd: here('..'), stdio: ['ignore', 2, 2] })
  const load = loadavg()[0]
  const points = await measureGrid(here('../dist/cli/main.js'), Number(flags.seconds), (line) => void process.stderr.write(`${line}\n`))
  const date = new Date().toISOString().slice(0, 10)
  const machine = `${cpus().length} cores of ${cpus()[0].model}, load ${load.toFixed(1)}, Node ${process.version}`
  writeFileSync(file, `${JSON.stringify({ date, machine, seconds: Number(flags.seconds), points }, null, 2)}\n`)
}
const costs = costsOf(JSON.parse(readFileSync(file, 'utf8')) as Measurements)
writeFileSync(here('../cli/trackerCosts.ts'), sourceOf(costs))
spawnSync(process.execPath, [here('../node_modules/@biomejs/biome/bin/biome'), 'format', '--write', file, here('../cli/trackerCosts.ts')], {
  stdio: 'inherit',
})
process.stdout.write(`${JSON.stringify(costs, null, 2)}\n`)
