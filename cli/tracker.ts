import type { Command } from 'commander'
import { type CommonFlags, count, positive, repeated, verb, wrongFlag } from './flags.ts'
import { shownNumber } from './shown.ts'
import type { TrackerSummary } from './trackerRun.ts'
import { type Applied, applySettings, flagOf, type SettingName, settingNames, settings } from './trackerSettings.ts'

/** The flags as commander gives them; those of settings under camel-cased names, as typed. */
interface TrackerFlags extends CommonFlags {
  readonly param: string[]
  readonly printConfig?: boolean
  readonly quiet?: boolean
  readonly symbols?: number
  readonly updates?: number
  readonly [name: string]: unknown
}

const placeholders: Readonly<Partial<Record<SettingName, string>>> = {
  profile: 'name',
  coins: 'list',
  sqlite: 'file',
  postgres: 'url',
  clickhouse: 'dir|url',
  database: 'name',
  log_level: 'level',
  symbols_file: 'file',
  http: 'port',
  http_host: 'address',
  rules: 'file',
  webhook: 'url',
  telegram_chat: 'id',
  telegram_base: 'url',
  rest: 'url',
  stream: 'url',
}

/** `tickloom tracker`: the latest quote of all options of some coins, in a database. */
export function trackerVerb(): Command {
  const command = verb('tracker', 'Keep the latest quote of every option of some coins in a database, until SIGTERM or Ctrl-C.', [
    'tickloom tracker --coins BTC,ETH,SOL --profile minimal --sqlite ./tracker.db',
    'tickloom tracker --coins BTC --batch-timeout 1s --history 7d --http 9464',
    'tickloom tracker --postgres postgres://tracker@db/quotes --profile performance',
    'tickloom tracker --http 9464 --ui --rules rules.yaml --webhook https://hooks.example.net/alerts',
    'TRACKER_PROFILE=minimal tickloom tracker --batch-size 50 --print-config',
    'tickloom tracker plan --symbols 2000 --updates 500 --profile minimal',
  ]).argument('[plan]', 'the word plan: predict memory, CPU and disk, and do nothing')
  for (const name of settingNames) command.option(`${flagOf(name)} ${placeholderOf(name)}`, described(name))
  return command
    .option('--param <name=value>', 'set a parameter of the graph, such as greeks.rate=0.05 (repeatable)', repeated, [])
    .option('--symbols <n>', 'of plan: how many symbols are tracked', count)
    .option('--updates <n>', 'of plan: updates a second, of all of them together', positive)
    .option('--print-config', 'show each setting, its value and where it came from, and do nothing')
    .option('--quiet', 'print nothing but failures')
    .action(trackerAction)
}

async function trackerAction(word: string | undefined, flags: TrackerFlags): Promise<void> {
  const typed = Object.fromEntries(settingNames.map((name) => [name, typedText(flags[camel(name)])]))
  const { settings: chosen, applied } = applySettings(typed, process.env)
  if (flags.printConfig) {
    process.stdout.write(
      `${flags.json ? JSON.stringify(applied.map((one) => ({ ...one, value: one.value ?? null }))) : await configTable(applied)}\n`,
    )
    return
  }
  if (word !== undefined && word !== 'plan') throw wrongFlag('plan', `there is no "tracker ${word}"; there is "tracker plan --symbols N --updates U"`)
  if (word === 'plan') {
    const { printPlan } = await import('./trackerPlan.ts')
    await printPlan(flags, chosen)
    return
  }
  for (const name of ['symbols', 'updates'] as const)
    if (flags[name] !== undefined) throw wrongFlag(`--${name}`, `--${name} is of "tracker plan": a tracker takes what there is`)
  const { track } = await import('./trackerRun.ts')
  const summary = await track(chosen, { param: flags.param, quiet: flags.quiet ?? false })
  if (flags.json) process.stdout.write(`${JSON.stringify(summary)}\n`)
  else if (!flags.quiet) process.stdout.write(`${await summaryTable(summary)}\n`)
}

/** A switch may be given alone. */
function placeholderOf(name: SettingName): string {
  const { unit } = settings[name]
  return unit === 'yes/no' ? '[yes|no]' : `<${placeholders[name] ?? (unit === 's' ? 'length' : 'n')}>`
}

/** What a setting is for, and its default or those of the profiles. */
function described(name: SettingName): string {
  const { what, byDefault } = settings[name]
  if (byDefault === undefined) return what
  return `${what} (${typeof byDefault === 'object' ? Object.values(byDefault).join(' / ') : byDefault})`
}

/** What draws tables is not loaded beside a tracker that runs. */
const tables = () => import('./tables.ts')

async function configTable(applied: readonly Applied[]): Promise<string> {
  const { table } = await tables()
  return table(
    ['setting', 'value', 'unit', 'from'],
    applied.map(({ name, value, unit, from }) => [name, value === undefined ? 'none' : String(value), unit, from]),
  )
}

async function summaryTable({ seconds, symbols, received, conflated, dropped, written, gaps }: TrackerSummary): Promise<string> {
  const { table } = await tables()
  return table(
    ['tracker', `${seconds.toFixed(1)} s`],
    [
      ['symbols', shownNumber(symbols)],
      ['quotes received', shownNumber(received)],
      ['conflated', shownNumber(conflated)],
      ['dropped', shownNumber(dropped)],
      ...Object.entries(written).map(([name, rows]) => [`written to ${name}`, shownNumber(rows)] as const),
      ['gaps', shownNumber(gaps)],
    ],
  )
}

/** A switch without a value is yes. */
function typedText(typed: unknown): string | undefined {
  return typed === true ? 'yes' : (typed as string | undefined)
}

function camel(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
}
