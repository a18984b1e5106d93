import { createHash } from 'node:crypto'
import { Alert, type WatchRule } from '../../core/alerts.ts'
import { type Batch, wordsOf } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import { wayOf } from '../../core/watchRules.ts'

/** One alert as it is sent. `id` is made of rule, instrument, time and value: the same alert again has the same. */
export interface Note {
  readonly id: string
  readonly rule: string
  readonly instrument: string
  /** What is watched, by its name among latest quotes. */
  readonly column: string
  readonly what: string
  readonly value: number
  readonly bound: number
  /** null: there is none. */
  readonly reference: number | null
  /** ISO 8601, UTC. */
  readonly time: string
  readonly text: string
}

/** What is sent at once: some alerts whole, the rest as numbers. */
export interface Message {
  readonly id: string
  readonly text: string
  /** Alerts that it stands for. */
  readonly count: number
  readonly alerts: readonly Note[]
  /** Alerts that came too fast and are counted only, by rule. */
  readonly more: Readonly<Record<string, number>>
  /** Alerts that were dropped before it, as too many waited. */
  readonly dropped: number
}

const whats = wordsOf(Alert.what)

export function noteOf(batch: Batch<Alert>, row: number, rules: readonly WatchRule[], instruments: Instruments): Note {
  const { ts, instrument, rule: place, what, value, bound, reference } = batch.col
  const rule = rules[place[row]]
  const [name, kind] = [instruments.name(instrument[row]), whats[what[row]]]
  const column = wayOf(rule) === 'burst' ? 'volume' : (rule.column ?? 'last')
  const time = new Date(ts[row] / 1000).toISOString()
  const note = {
    rule: rule.name,
    instrument: name,
    column,
    what: kind,
    value: value[row],
    bound: bound[row],
    reference: orNull(reference[row]),
    time,
  }
  const id = idOf([rule.name, name, String(ts[row]), kind, String(value[row])])
  return { id, ...note, text: textOf(note, rule) }
}

/** At most `most` alerts are told whole: the newest. */
export function messageFor(notes: readonly Note[], dropped: number, most: number): Message {
  const first = Math.max(0, notes.length - most)
  const more: Record<string, number> = {}
  for (const { rule } of notes.slice(0, first)) more[rule] = (more[rule] ?? 0) + 1
  const alerts = notes.slice(first)
  const counted = Object.entries(more).map(([rule, count]) => `${count} of "${rule}"`)
  const lines = [
    ...(notes.length > 1 ? [`${notes.length} alerts`] : []),
    ...alerts.map(({ text }) => text),
    ...(counted.length > 0 ? [`and before them ${counted.join(', ')}`] : []),
    ...(dropped > 0 ? [`${dropped} alerts before these were dropped: too many waited`] : []),
  ]
  const id = notes.length === 1 ? notes[0].id : idOf(notes.map((note) => note.id))
  return { id, text: lines.join('\n'), count: notes.length, alerts, more, dropped }
}

/** `bid crossed: BTC-USDT 2026-03-27 70000 CE: bid 1510 above 1500 (2026-03-20 12:03:04 UTC)`. */
function textOf({ rule, instrument, column, what, value, bound, reference, time }: Omit<Note, 'id' | 'text'>, options: WatchRule): string {
  const [shown, from] = [figure(column, value), reference === null ? '' : figure(column, reference)]
  const head = `${rule}: ${instrument.replaceAll(':', ' ')}: ${column} ${shown}`
  const at = ` (${time.slice(0, 10)} ${time.slice(11, 19)} UTC)`
  if (what === 'above' || what === 'below') return `${head} ${what} ${figure(column, bound)}${at}`
  if (what === 'burst') return `${head} in ${options.window} s, usual ${from}${at}`
  const share = reference ? `, ${figure('', Math.abs(value / reference - 1) * 100)} %` : ''
  return `${head} ${what === 'rise' ? 'up' : 'down'} from ${from}${share} within ${options.within} s${at}`
}

/** Volatilities in per cent, other numbers as they are, to seven digits. */
function figure(column: string, value: number): string {
  return column === 'iv' ? `${Number((value * 100).toPrecision(7))} %` : String(Number(value.toPrecision(7)))
}

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null)

function idOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}
