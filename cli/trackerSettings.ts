import { InvalidArgumentError } from 'commander'
import { SECOND } from '../core/time.ts'
import { count, duration, list, wrongFlag } from './flags.ts'

export const profiles = ['minimal', 'standard', 'performance'] as const
export type Profile = (typeof profiles)[number]
export const logLevels = ['error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof logLevels)[number]

/** One thing that can be set: by a flag, else by the environment, else by the profile or a default. */
interface Setting<T> {
  /** Of its values; seconds are also read as 500ms, 10s, 5m, 1h, 1d. */
  readonly unit: string
  readonly what: string
  /** As it is typed, by profile or for all; undefined: off. */
  readonly byDefault: string | undefined | Readonly<Record<Profile, string>>
  parse(text: string): T
}

const off =
  <T>(parse: (text: string) => T) =>
  (text: string): T | undefined =>
    text === 'none' ? undefined : parse(text)
const oneOf =
  <T extends string>(names: readonly T[]) =>
  (text: string): T => {
    if (!names.includes(text as T)) throw new InvalidArgumentError(`It is one of ${names.join(', ')}.`)
    return text as T
  }
const text = (given: string): string => given
const yes = (given: string): boolean => oneOf(['yes', 'no'])(given) === 'yes'
/** `5`, `5s` or `500ms` as seconds. */
const seconds = (given: string): number => (/^\d+(\.\d+)?$/.test(given) ? duration(`${given}s`) : duration(given)) / SECOND
const nice = (given: string): number => {
  const value = Number(given)
  if (given.trim() === '' || !Number.isInteger(value) || value < -20 || value > 19)
    throw new InvalidArgumentError('It is a whole number from -20 to 19.')
  return value
}
const setting = <T>(unit: string, byDefault: Setting<T>['byDefault'], parse: (text: string) => T, what: string): Setting<T> => ({
  unit,
  byDefault,
  parse,
  what,
})
const each = (minimal: string, standard: string, performance: string) => ({ minimal, standard, performance })

/** Everything that can be set, by its name: flag `--max-queue-size`, environment `TRACKER_MAX_QUEUE_SIZE`. */
export const settings = {
  profile: setting(
    '',
    'standard',
    oneOf(profiles),
    'what the settings below are taken from that are not set themselves: minimal, standard, performance',
  ),
  max_queue_size: setting(
    'symbols',
    each('2000', '5000', '10000'),
    count,
    'whose newest quote may wait; one more, and the longest waiting is dropped',
  ),
  batch_size: setting('symbols', each('25', '50', '100'), count, 'changed quotes that are handed on at once; fewer wait for a quarter of a second'),
  batch_timeout: setting('s', each('5', '2', '1'), seconds, 'between two writes: a transaction with the newest quote of all symbols that changed'),
  stats_interval: setting('s', each('600', '300', '60'), seconds, 'between two lines that say how it goes'),
  subscription_chunk_size: setting('symbols', each('10', '25', '50'), count, 'of one subscription request'),
  priority: setting('nice', each('10', '5', '0'), nice, 'of the process, from -20, which needs privileges, to 19'),
  log_level: setting('', each('warn', 'warn', 'info'), oneOf(logLevels), 'what is said beside that: error, warn, info, debug'),
  coins: setting('', 'BTC,ETH,SOL', list, 'whose options are tracked'),
  sqlite: setting('', './tracker.db', off(text), 'file of the database, or none; the default where no other database is named'),
  postgres: setting('', undefined, off(text), 'URL of a PostgreSQL, such as postgres://user@host/database'),
  clickhouse: setting('', undefined, off(text), 'URL of a ClickHouse, or directory of an embedded one'),
  database: setting('', undefined, off(text), 'of ClickHouse; default tickloom'),
  history: setting('s', undefined, off(seconds), 'how long what was written is kept in quotes_history; by default there is none'),
  forget_after: setting('s', undefined, off(seconds), 'how long a symbol that is not quoted any more stays; by default for ever'),
  http: setting('port', undefined, off(count), 'where /metrics and /healthz are served'),
  http_host: setting('', '127.0.0.1', text, 'address they are served on'),
  ui: setting('yes/no', 'no', yes, 'whether the page of live chains is served beside them, at /chain'),
  rules: setting('', undefined, off(text), 'file of rules that raise alerts'),
  webhook: setting('', undefined, off(text), 'address that alerts are posted to'),
  telegram_chat: setting('', undefined, off(text), 'chat that the bot of TELEGRAM_BOT_TOKEN tells alerts'),
  telegram_base: setting('', 'https://api.telegram.org', text, 'where the bots are'),
  silence: setting('s', '60', seconds, 'how long nothing may come before it is called unhealthy'),
  grace: setting('s', '9', seconds, 'for the last write when it is told to stop'),
  symbols_file: setting('', './tracker-symbols.json', off(text), 'where the list of symbols is kept for a day, or none'),
  refresh: setting('s', '600', seconds, 'between two looks for new and expired symbols'),
  rest: setting('', 'https://api.bybit.com', text, 'where symbols are listed'),
  stream: setting('', 'wss://stream.bybit.com/v5/public/option', text, 'where quotes come from'),
} as const

export type SettingName = keyof typeof settings
export type TrackerSettings = { readonly [K in SettingName]: ReturnType<(typeof settings)[K]['parse']> }
export const settingNames = Object.keys(settings) as readonly SettingName[]

/** One applied setting and where it came from. */
export interface Applied {
  readonly name: SettingName
  readonly value: unknown
  readonly unit: string
  readonly from: string
}

export const flagOf = (name: string): string => `--${name.replaceAll('_', '-')}`
export const variableOf = (name: string): string => `TRACKER_${name.toUpperCase()}`

/** What was given for a setting, as text, and where. */
interface Given {
  readonly text: string | undefined
  readonly from: string
}

/** Resolves all of them. `flags` are as typed, by name of the setting. Throws OPTION_INVALID naming the flag or variable. */
export function applySettings(
  flags: Readonly<Partial<Record<string, string>>>,
  environment: NodeJS.ProcessEnv,
): { readonly settings: TrackerSettings; readonly applied: readonly Applied[] } {
  const explicit = (name: string): Given | undefined => {
    if (flags[name] !== undefined) return { text: flags[name], from: flagOf(name) }
    const text = environment[variableOf(name)]
    return text === undefined || text === '' ? undefined : { text, from: variableOf(name) }
  }
  const profile = parsed('profile', explicit('profile') ?? { text: 'standard', from: 'default' }) as Profile
  const otherStore = explicit('postgres') !== undefined || explicit('clickhouse') !== undefined
  const applied = settingNames.map((name): Applied => {
    const { byDefault, unit } = settings[name]
    const usual = typeof byDefault === 'object' ? { text: byDefault[profile], from: `profile ${profile}` } : { text: byDefault, from: 'default' }
    const given = explicit(name) ?? (name === 'sqlite' && otherStore ? { text: undefined, from: 'default' } : usual)
    return { name, value: parsed(name, given), unit, from: given.from }
  })
  const values = Object.fromEntries(applied.map(({ name, value }) => [name, value])) as unknown as TrackerSettings
  checkTogether(values)
  return {
    settings: values,
    applied: applied.map((one) => ({ ...one, value: one.name === 'webhook' ? hostOf(one.value) : withoutPassword(one.value) })),
  }
}

function parsed(name: SettingName, { text, from }: Given): unknown {
  if (text === undefined) return undefined
  try {
    return settings[name].parse(text)
  } catch (thrown) {
    if (thrown instanceof InvalidArgumentError) throw wrongFlag(from, `${from} ${withoutPassword(text)}: ${thrown.message}`)
    throw thrown
  }
}

function checkTogether({ sqlite, postgres, clickhouse, database, history, http, ui, rules, webhook, telegram_chat: chat }: TrackerSettings): void {
  if (database !== undefined && clickhouse === undefined) throw wrongFlag('--database', '--database needs --clickhouse')
  if (history !== undefined && sqlite === undefined && postgres === undefined)
    throw wrongFlag('--history', 'a history is kept in SQLite and PostgreSQL: --history needs --sqlite or --postgres')
  if (ui && http === undefined) throw wrongFlag('--ui', 'the page is served where /metrics is: --ui needs --http, such as --http 9464')
  if (rules === undefined && (webhook ?? chat) !== undefined)
    throw wrongFlag('--rules', 'without rules there are no alerts: --webhook and --telegram-chat need --rules')
}

/** Of a webhook all but the host may be a key. */
const hostOf = (value: unknown): unknown => (typeof value === 'string' && URL.canParse(value) ? `${new URL(value).origin}/***` : value && '***')

/** What is shown or logged of a URL. */
export function withoutPassword(value: unknown): unknown {
  if (typeof value !== 'string' || !URL.canParse(value)) return value
  const url = new URL(value)
  if (url.password === '') return value
  url.password = '***'
  return url.toString()
}
