import { type Watched, type WatchRule, watchedColumns } from './alerts.ts'
import { TickloomError } from './errors.ts'

/** The ways a rule comes true, and the keys that each takes beside name, selection and cooldown. */
const ways = {
  above: ['column', 'rearm'],
  below: ['column', 'rearm'],
  rise: ['column', 'within'],
  fall: ['column', 'within'],
  change: ['column', 'within'],
  burst: ['window', 'baseline', 'floor'],
} as const
type Way = keyof typeof ways

const always = ['name', 'underlying', 'expiry', 'strike', 'type', 'cooldown'] as const
const numbers = ['above', 'below', 'burst', 'within', 'window', 'baseline', 'floor', 'rearm', 'cooldown'] as const
/** A baseline is held window by window. */
const MOST_WINDOWS = 60
export const usual = { cooldown: 60, baseline: 600, floor: 0 } as const

/**
 * Rules out of what a file or a parameter holds. Throws PARAMETER_INVALID that names the rule, what is wrong with it and
 * what would be right; `from` says where they are from.
 */
export function watchRules(content: unknown, from = 'rules'): WatchRule[] {
  if (!Array.isArray(content)) throw wrong(from, 'a list of rules is expected, each beginning with "- name:"')
  const rules = content.map((rule, i) => checked(rule, `${from}: rule ${i + 1}`))
  const twice = rules.find(({ name }, i) => rules.findIndex((other) => other.name === name) < i)
  if (twice !== undefined) throw wrong(from, `two rules are called "${twice.name}"; give each a name of its own`)
  return rules
}

/** How a rule comes true. */
export function wayOf(rule: WatchRule): Way {
  return (Object.keys(ways) as Way[]).find((way) => rule[way] !== undefined) as Way
}

/** `5%` or a number: how far a change has to go. */
export function sizeOf(size: number | string): { readonly size: number; readonly relative: boolean } {
  const text = String(size)
  return text.endsWith('%') ? { size: Number(text.slice(0, -1)) / 100, relative: true } : { size: Number(text), relative: false }
}

/** `60000..80000`, `..80000`, `60000..`, `70000` or 70000 as bounds, both included; undefined for anything else. */
export function strikesOf(strike: number | string): { readonly low: number; readonly high: number } | undefined {
  const parts = String(strike).trim().split('..')
  if (parts.length > 2 || parts.join('') === '') return undefined
  const [from, to = from] = parts
  const [low, high] = [from === '' ? 0 : Number(from), to === '' ? Infinity : Number(to)]
  return low <= high ? { low, high } : undefined
}

function checked(content: unknown, place: string): WatchRule {
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw wrong(place, 'keys and values are expected, such as "above: 1500"')
  const rule = content as Record<string, unknown>
  const { name } = rule
  if (typeof name !== 'string' || name.trim() === '') throw wrong(place, 'it has no name; begin it with "- name: what it is for"')
  const at = `${place} "${name}"`
  const given = (Object.keys(ways) as Way[]).filter((way) => rule[way] !== undefined)
  if (given.length !== 1)
    throw wrong(at, `it has ${given.length === 0 ? 'none' : given.join(' and ')} of ${Object.keys(ways).join(', ')}; give exactly one`)
  const [way] = given
  const known: readonly string[] = [...always, way, ...ways[way]]
  const stranger = Object.keys(rule).find((key) => rule[key] !== undefined && !known.includes(key))
  if (stranger !== undefined) throw wrong(at, `"${stranger}" is not for a rule with "${way}", which takes ${known.join(', ')}`)
  for (const key of numbers)
    if (rule[key] !== undefined && (typeof rule[key] !== 'number' || !Number.isFinite(rule[key])))
      throw wrong(at, `${key}: a number is expected, not ${shown(rule[key])}`)
  checkSelection(rule, at)
  const whole = rule as unknown as WatchRule
  if (whole.cooldown !== undefined && whole.cooldown < 0) throw wrong(at, `cooldown: ${whole.cooldown} is below 0 seconds`)
  if (way === 'burst') checkBurst(whole, at)
  else checkColumn(whole, way, at)
  return whole
}

function checkSelection(rule: Record<string, unknown>, at: string): void {
  for (const key of ['underlying', 'expiry'])
    if (rule[key] !== undefined && (typeof rule[key] !== 'string' || rule[key] === ''))
      throw wrong(at, `${key}: a text is expected, not ${shown(rule[key])}; a date may need quotes`)
  const { type, strike, expiry } = rule
  if (typeof expiry === 'string' && !/^[\d*-]+$/.test(expiry)) throw wrong(at, `expiry: ${expiry} is not as YYYY-MM-DD, with * for any digits`)
  if (type !== undefined && !['CE', 'PE', 'FUT', 'SPOT'].includes(type as string))
    throw wrong(at, `type: ${shown(type)} is none of CE (calls), PE (puts), FUT, SPOT`)
  if (strike === undefined) return
  if ((typeof strike !== 'string' && typeof strike !== 'number') || strikesOf(strike) === undefined)
    throw wrong(at, `strike: ${shown(strike)} is neither a number nor low..high`)
  if (type === 'FUT' || type === 'SPOT') throw wrong(at, `strike: type ${type} has none; leave one of the two out`)
}

function checkBurst({ burst = 0, window, baseline = usual.baseline, floor = usual.floor }: WatchRule, at: string): void {
  if (burst <= 0) throw wrong(at, `burst: ${burst} is not above 0; 3 means three times the usual volume`)
  if (window === undefined) throw wrong(at, 'it has no window; "window: 60" looks at the last 60 seconds')
  if (window <= 0) throw wrong(at, `window: ${window} is not above 0 seconds`)
  if (baseline < window || baseline > window * MOST_WINDOWS)
    throw wrong(at, `baseline: ${baseline} seconds is not from 1 to ${MOST_WINDOWS} windows of ${window} seconds`)
  if (floor < 0) throw wrong(at, `floor: ${floor} is below 0`)
}

function checkColumn(rule: WatchRule, way: Exclude<Way, 'burst'>, at: string): void {
  const { column, rearm, within } = rule
  const columns = Object.keys(watchedColumns) as Watched[]
  if (column === undefined || !columns.includes(column))
    throw wrong(at, `column: ${column === undefined ? 'it is missing' : `${shown(column)} is not watched`}; there are ${columns.join(', ')}`)
  if (way === 'above' || way === 'below') {
    const level = rule[way] as number
    if (rearm !== undefined && (way === 'above' ? rearm > level : rearm < level))
      throw wrong(at, `rearm: ${rearm} is ${way} ${level}; it is the level to come back to, on the other side`)
    return
  }
  const size = rule[way] as number | string
  if (!(sizeOf(size).size > 0) || !Number.isFinite(sizeOf(size).size))
    throw wrong(at, `${way}: ${shown(size)} is neither a part such as 5% nor a number above 0`)
  if (within === undefined) throw wrong(at, `it has no within; "within: 60" looks back 60 seconds`)
  if (within <= 0) throw wrong(at, `within: ${within} is not above 0 seconds`)
}

const shown = (value: unknown): string => JSON.stringify(value) ?? String(value)

function wrong(place: string, message: string): TickloomError {
  return new TickloomError('PARAMETER_INVALID', `${place}: ${message}`, { place })
}
