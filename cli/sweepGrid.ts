import type { Params } from '../core/parameters.ts'
import { wrongFlag } from './flags.ts'

/** One parameter and the values it takes, as a user would write them. */
export interface Axis {
  readonly path: string
  readonly values: readonly string[]
}

/** Sets of parameters: every combination of the axes' values, the last axis changing fastest. Plain data. */
export type Grid = readonly Axis[]

/** More sets than anybody waits for; a slip of a digit in a step makes them. */
const MOST_SETS = 1_000_000

/**
 * `name=1.5..3:0.25`, `name=0.1,0.15`, or both mixed, to an axis each. A range is walked in exact decimals, from its
 * first value on as long as its last is not passed. Throws OPTION_INVALID naming what is wrong.
 */
export function parseGrid(settings: readonly string[]): Grid {
  const grid = settings.map(parseAxis)
  const twice = grid.find(({ path }, i) => grid.findIndex((axis) => axis.path === path) < i)
  if (twice !== undefined) throw wrongFlag('--param', `--param ${twice.path} is given twice; write its values as one list`)
  const sets = countOf(grid)
  if (sets > MOST_SETS)
    throw wrongFlag('--param', `these are ${sets.toLocaleString('en')} sets of parameters; ${MOST_SETS.toLocaleString('en')} is the most`)
  return grid
}

export function countOf(grid: Grid): number {
  return grid.reduce((product, { values }) => product * values.length, 1)
}

/** The values of set `i`, one an axis. */
export function valuesAt(grid: Grid, i: number): string[] {
  const values: string[] = []
  let rest = i
  for (const axis of [...grid].reverse()) {
    values.unshift(axis.values[rest % axis.values.length])
    rest = Math.floor(rest / axis.values.length)
  }
  return values
}

/** The settings of set `i`, as `--param` of a replay takes them. */
export function settingsAt(grid: Grid, i: number): string[] {
  return valuesAt(grid, i).map((value, axis) => `${grid[axis].path}=${value}`)
}

/** The value of each axis as the topology took it. */
export function takenAt(grid: Grid, params: Params): unknown[] {
  return grid.map(({ path }) => path.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], params))
}

function parseAxis(setting: string): Axis {
  const at = setting.indexOf('=')
  if (at < 1) throw wrongFlag('--param', `"${setting}" is not of the form name=values, such as signal.floor=500,900 or signal.multiplier=1.5..3:0.25`)
  const path = setting.slice(0, at)
  const values = setting
    .slice(at + 1)
    .split(',')
    .flatMap((text) => valuesOf(text.trim(), setting))
  return { path, values: [...new Set(values)] }
}

function valuesOf(text: string, setting: string): string[] {
  if (text === '') throw wrongFlag('--param', `"${setting}" has an empty value`)
  if (!text.includes('..')) return [plain(text)]
  const number = '(-?\\d+(?:\\.\\d+)?)'
  const range = new RegExp(`^${number}\\.\\.${number}:${number}$`).exec(text)
  if (!range) throw wrongFlag('--param', `"${text}" of "${setting}" is no range; one is written first..last:step, such as 1.5..3:0.25`)
  const places = Math.max(...range.slice(1).map((part) => part.split('.')[1]?.length ?? 0))
  // Whole numbers of the smallest decimal there is: 0.1 + 0.2 is then 3 of them.
  const [first, last, step] = range.slice(1).map((part) => BigInt(part.replace('.', '') + '0'.repeat(places - (part.split('.')[1]?.length ?? 0))))
  if (step <= 0n) throw wrongFlag('--param', `the step of "${text}" is not above 0`)
  if (last < first) throw wrongFlag('--param', `"${text}" is empty: the lower end comes first`)
  if ((last - first) / step >= BigInt(MOST_SETS)) throw wrongFlag('--param', `"${text}" has more than ${MOST_SETS.toLocaleString('en')} values`)
  const values: string[] = []
  for (let value = first; value <= last; value += step) values.push(decimal(value, places))
  return values
}

function decimal(value: bigint, places: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(places + 1, '0')
  const whole = digits.slice(0, digits.length - places)
  return plain(`${value < 0n ? '-' : ''}${whole}${places > 0 ? `.${digits.slice(-places)}` : ''}`)
}

/** A number in its shortest form, so that 1.50 and 1.5 are one value; any other text as it is. */
function plain(text: string): string {
  const number = /^(-?)0*(\d+)(?:\.(\d*?)0*)?$/.exec(text)
  if (!number) return text
  const [, sign, whole, fraction = ''] = number
  const digits = `${whole}${fraction === '' ? '' : `.${fraction}`}`
  return digits === '0' ? digits : sign + digits
}
