import { basename } from 'node:path'
import { TickloomError } from '../../core/errors.ts'
import { parseDate } from '../../core/time.ts'
import { type InputIdentity, jobOf, sameInput } from './identity.ts'
import type { JobRecord } from './records.ts'

/** Inputs without a date in their names that are read together: bytes, at most, where a single one is not larger. */
const TOGETHER = 1 << 30

/** Inputs that become files of the lake together. */
export interface Job {
  readonly id: string
  readonly inputs: readonly InputIdentity[]
}

export interface PackPlan {
  readonly jobs: readonly Job[]
  /** Inputs that are in the lake as they are. */
  readonly skipped: readonly InputIdentity[]
  /** Jobs whose files the new ones take the place of. */
  readonly superseded: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * What is still to be done. An input that changed, or is to be read in another way, takes every input with it that it was
 * packed together with: OPTION_INVALID names those that were not given.
 */
export function planJobs(
  given: readonly InputIdentity[],
  records: readonly JobRecord[],
  options: { readonly clean: boolean; readonly [other: string]: unknown },
): PackPlan {
  const warnings: string[] = []
  const inputs = withoutCopies(given, records, warnings)
  const byPath = new Map(inputs.map((input) => [input.path, input]))
  const way = JSON.stringify(options)
  const stale = records.filter(
    (record) =>
      record.inputs.some((was) => byPath.has(was.path)) &&
      (JSON.stringify(record.options) !== way ||
        record.inputs.some((was) => byPath.has(was.path) && !sameInput(was, byPath.get(was.path) as InputIdentity))),
  )
  if (options.clean) stale.push(...sharingDays(records, stale, inputs))
  const redone = new Set<string>()
  for (const record of stale) {
    const missing = record.inputs.filter(({ path }) => !byPath.has(path)).map(({ path }) => path)
    if (missing.length > 0) throw incomplete(record.inputs.find(({ path }) => byPath.has(path))?.path, missing)
    for (const { path } of record.inputs) redone.add(path)
  }
  const done = new Set(records.filter((record) => !stale.includes(record)).flatMap((record) => record.inputs.map(({ path }) => path)))
  const todo = inputs.filter(({ path }) => redone.has(path) || !done.has(path))
  const jobs = grouped(todo, options.clean ? Infinity : TOGETHER).map((group) => ({ id: jobOf(group, options), inputs: group }))
  return { jobs, skipped: inputs.filter((input) => !todo.includes(input)), superseded: stale.map(({ job }) => job), warnings }
}

function incomplete(given: string | undefined, missing: readonly string[]): TickloomError {
  const named = `${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ` and ${missing.length - 3} more` : ''}`
  const message =
    given === undefined
      ? `--clean looks for doubles among what is packed together, and ${named} of the same day were packed before: give these too`
      : `${given} changed, or is to be read in another way, since it was packed together with ${named}: give these too`
  return new TickloomError('OPTION_INVALID', message, { option: 'INPUT', missing: missing.length })
}

/** Records that have files of a date of which there are new ones: doubles are looked for among what is packed together. */
function sharingDays(records: readonly JobRecord[], stale: readonly JobRecord[], inputs: readonly InputIdentity[]): JobRecord[] {
  const done = new Set(records.flatMap((record) => record.inputs.map(({ path }) => path)))
  const datesOf = (some: readonly InputIdentity[]): (string | undefined)[] => some.map(({ path }) => dateInName(basename(path)))
  const fresh = new Set(datesOf(inputs.filter(({ path }) => !done.has(path))).filter((date) => date !== undefined))
  return records.filter((record) => !stale.includes(record) && datesOf(record.inputs).some((date) => date !== undefined && fresh.has(date)))
}

/** Without files that are in the lake, or were given, under another path. */
function withoutCopies(given: readonly InputIdentity[], records: readonly JobRecord[], warnings: string[]): InputIdentity[] {
  const key = ({ path, size, sha }: InputIdentity): string => `${basename(path)} ${size} ${sha}`
  const seen = new Map(records.flatMap((record) => record.inputs.map((input) => [key(input), input.path] as const)))
  const paths = new Set<string>()
  return given.filter((input) => {
    if (paths.has(input.path)) return false
    paths.add(input.path)
    const before = seen.get(key(input))
    if (before === undefined) seen.set(key(input), input.path)
    else if (before !== input.path) warnings.push(`${input.path} is the same file as ${before}: left out`)
    return before === undefined || before === input.path
  })
}

/** By the date in their names; those without one together, as far as that is not too much. */
function grouped(inputs: readonly InputIdentity[], together: number): InputIdentity[][] {
  const dated = new Map<string, InputIdentity[]>()
  const others: InputIdentity[][] = []
  let bytes = 0
  for (const input of inputs) {
    const date = dateInName(basename(input.path))
    if (date !== undefined) dated.set(date, [...(dated.get(date) ?? []), input])
    else {
      if (others.length === 0 || bytes + input.size > together) {
        others.push([])
        bytes = 0
      }
      others[others.length - 1].push(input)
      bytes += input.size
    }
  }
  return [...[...dated].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group), ...others]
}

/** GFDLNFO_TICK_04012024, NSE_OPT_TICK_20240104 and 2024-01-04 alike; undefined without a date. */
export function dateInName(name: string): string | undefined {
  for (const [digits] of name.matchAll(/\d{4}-\d\d-\d\d|(?<!\d)\d{8}(?!\d)/g)) {
    if (digits.length === 10) {
      if (!Number.isNaN(parseDate(digits))) return digits
      continue
    }
    for (const date of [
      `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`,
      `${digits.slice(4)}-${digits.slice(2, 4)}-${digits.slice(0, 2)}`,
    ])
      if (/^(?:19|20)/.test(date) && !Number.isNaN(parseDate(date))) return date
  }
  return undefined
}
