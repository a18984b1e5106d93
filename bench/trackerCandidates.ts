import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Candidate } from './trackerRun.ts'

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** The least that does the job: one transaction a second. */
export const script: Candidate = {
  name: 'script of 40 lines',
  batchTimeout: 1,
  command: ({ rest, stream, file, coins }) => [process.execPath, here('tracker_script.mjs'), rest, stream, file, coins],
}

/** asyncio, a deque and SQLite in batches of 50 or after 2 s; undefined where there is no Python with venv. */
export function python(): Candidate | undefined {
  const venv = here('../node_modules/.cache/tickloom/tracker-venv')
  const program = join(venv, 'bin', 'python')
  if (!existsSync(join(venv, 'ready')) && !madeVenv(venv)) return undefined
  return {
    name: 'Python, asyncio',
    batchTimeout: 2,
    command: ({ rest, stream, file, coins }) => [program, here('tracker_reference.py'), rest, stream, file, '--coins', coins],
  }
}

function madeVenv(venv: string): boolean {
  try {
    rmSync(venv, { recursive: true, force: true })
    execFileSync('python3', ['-m', 'venv', venv], { stdio: 'pipe', timeout: 120_000 })
    execFileSync(join(venv, 'bin', 'pip'), ['install', '-q', '-r', here('tracker_requirements.txt')], { stdio: 'pipe', timeout: 300_000 })
    mkdirSync(join(venv, 'ready'))
    return true
  } catch (cause) {
    process.stderr.write(`no Python to compare with: ${(cause as Error).message}\n`)
    return false
  }
}

export type Profile = 'minimal' | 'standard' | 'performance'
export const batchTimeouts: Readonly<Record<Profile, number>> = { minimal: 5, standard: 2, performance: 1 }
/** Another one in every process, for those that measure at the same time. */
const PORT = 39_000 + (process.pid % 900)

/** One rule of each kind, for all symbols; a few come true in a run. */
const rules = [
  { name: 'dear', column: 'last', above: 780, rearm: 770 },
  { name: 'wild', column: 'iv', above: 0.4899, cooldown: 600 },
  { name: 'crowded', column: 'oi', change: '5%', within: 60 },
  { name: 'busy', burst: 8, window: 60, baseline: 600, floor: 10 },
]

/**
 * `tickloom tracker` as it is published, `main` being cli/main.js of a build, with everything on: the page is served, the
 * rules are watched, alerts are posted, metrics and health are asked for every ten seconds.
 */
export function ours(profile: Profile, main: string, nodeFlags: readonly string[] = []): Candidate {
  let visits = 0
  return {
    name: `tickloom, ${profile}`,
    batchTimeout: batchTimeouts[profile],
    command({ rest, stream, file, coins, folder, hook }) {
      const watched = join(folder, 'rules.json')
      writeFileSync(watched, JSON.stringify(rules))
      const market = ['--coins', coins, '--rest', rest, '--stream', stream]
      const keeps = ['--sqlite', file, '--symbols-file', join(folder, 'symbols.json'), '--stats-interval', '10s']
      const tells = ['--http', String(PORT), '--ui', '--rules', watched, '--webhook', hook]
      return [process.execPath, ...nodeFlags, main, 'tracker', '--profile', profile, ...market, ...keeps, ...tells]
    },
    async visit() {
      if (visits++ % 10 !== 0) return
      await asked('/metrics')
      await asked('/healthz')
    },
  }
}

/** Throws where it is not answered 200: a tracker that is not well is not measured. */
async function asked(path: string): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${PORT}${path}`, { signal: AbortSignal.timeout(5000) })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${text}`)
}
