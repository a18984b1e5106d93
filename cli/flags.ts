import { Command, InvalidArgumentError, Option } from 'commander'
import { TickloomError } from '../core/errors.ts'
import { attach, DAY, HOUR, MINUTE, parseDate, SECOND, UTC } from '../core/time.ts'

/** Flags that every verb takes. */
export interface CommonFlags {
  readonly json?: boolean
  readonly verbose?: boolean
}

/** Strikes as the user names them: a list, or everything between two. */
export type Strikes = number[] | { min: number; max: number }

/** A command with the flags that every verb takes, and examples under its help. */
export function verb(name: string, description: string, examples: readonly string[]): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'answer, and fail, in JSON')
    .option('--verbose', 'show the stack of an unexpected failure')
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ ${line}`).join('\n')}\n`)
}

/** Gathers a flag that may be repeated. */
export function repeated(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

/** `a,b,c`, without empty entries. */
export function list(text: string): string[] {
  const entries = text.split(',').map((entry) => entry.trim())
  if (entries.includes('')) throw new InvalidArgumentError('It is a list such as NIFTY,BANKNIFTY.')
  return entries
}

/** A calendar date, `YYYY-MM-DD`. */
export function date(text: string): string {
  if (Number.isNaN(parseDate(text))) throw new InvalidArgumentError('It is a date, YYYY-MM-DD.')
  return text
}

/** A count of at least one. */
export function count(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It is a whole number above 0.')
  return value
}

/** A whole number, such as a seed. */
export function whole(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('It is a whole number.')
  return value
}

/** A number above zero, such as a rate. */
export function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0) || value === Infinity) throw new InvalidArgumentError('It is a number above 0.')
  return value
}

/** `24000,24100` or `23000..25000`. */
export function strikes(text: string): Strikes {
  const range = /^([\d.]+)\.\.([\d.]+)$/.exec(text)
  if (range) {
    const [min, max] = [positive(range[1]), positive(range[2])]
    if (min > max) throw new InvalidArgumentError('The range is empty: the lower strike comes first.')
    return { min, max }
  }
  return list(text).map(positive)
}

/** `09:15..10:00`, the wall clock of the market; the end is not included. */
export function timeRange(text: string): { from: string; to: string } {
  const [from, to, ...rest] = text.split('..')
  const at = (time: string): number => attach(`1970-01-01 ${time}`, UTC)
  if (to === undefined || rest.length > 0 || !(at(from) < at(to))) throw new InvalidArgumentError('It is a part of the day such as 09:15..10:00.')
  return { from, to }
}

const units: Readonly<Record<string, number>> = { ms: SECOND / 1000, s: SECOND, m: MINUTE, min: MINUTE, h: HOUR, d: DAY }

/** `500ms`, `10s`, `5m`, `1h`, `1d` as microseconds. */
export function duration(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|min|h|d)$/.exec(text)
  const micros = parts ? Math.round(Number(parts[1]) * units[parts[2]]) : 0
  if (micros <= 0) throw new InvalidArgumentError('It is a length of time such as 10s, 5m or 1h.')
  return micros
}

/** An option that is a length of time, its default shown as a user would type it. */
export function durationOption(flags: string, description: string, byDefault: string): Option {
  return new Option(flags, description).argParser(duration).default(duration(byDefault), byDefault)
}

/** A flag whose value is wrong for a reason commander cannot see, such as two flags that exclude each other. */
export function wrongFlag(option: string, message: string): TickloomError {
  return new TickloomError('OPTION_INVALID', message, { option })
}
