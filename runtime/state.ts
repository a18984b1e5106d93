import type { Schema } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import type { Instruments } from '../core/instruments.ts'
import { widened } from '../core/planes.ts'
import { RowBuffer } from '../core/rowBuffer.ts'
import type { Counter, Migrate, Value, ValueSpec } from '../core/step.ts'
import { type Fields, type SavedArray, Table } from '../core/table.ts'

/** One piece of state as it is saved: JSON, and arrays bit for bit. Instruments are in it by name. */
export interface Section {
  readonly key: string
  readonly version: number
  readonly json: unknown
  readonly arrays: Readonly<Record<string, SavedArray>>
}

interface Slot {
  readonly version: number
  readonly migrate?: Migrate
  save(): { json: unknown; arrays: Record<string, SavedArray> }
  load(section: Section): void
  bytes(): number
  close?(): void
}

/** Everything the steps of one flow remember, by `step/name`. */
export class StateStore {
  readonly rebuilds: (() => void)[] = []
  readonly #instruments: Instruments
  readonly #slots = new Map<string, Slot>()
  readonly #counts: Record<string, number> = {}

  constructor(instruments: Instruments) {
    this.#instruments = instruments
    const counts = this.#counts
    this.#slots.set('counts', {
      version: 1,
      save: () => ({ json: { ...counts }, arrays: {} }),
      load: (s) => {
        Object.assign(counts, s.json)
      },
      bytes: () => 0,
    })
  }

  snapshot(): Section[] {
    return [...this.#slots].map(([key, slot]) => ({ key, version: slot.version, ...slot.save() }))
  }

  /**
   * Puts a snapshot back. Throws CHECKPOINT_FOREIGN when the graph is another one, naming the steps that are new, gone
   * or changed; STATE_VERSION when a state was saved by a version that this code cannot read.
   */
  restore(sections: readonly Section[]): void {
    refuseForeign(
      sections.map((s) => s.key),
      [...this.#slots.keys()],
    )
    for (const section of sections) {
      const slot = this.#slots.get(section.key) as Slot
      slot.load(slot.version === section.version ? section : migrated(section, slot))
    }
    for (const rebuild of this.rebuilds) rebuild()
  }

  counts(): Record<string, number> {
    return { ...this.#counts }
  }

  /** Gives the memory of tables and rows back at once. */
  close(): void {
    for (const slot of this.#slots.values()) slot.close?.()
  }

  bytes(): Record<string, number> {
    const sums: Record<string, number> = {}
    for (const [key, slot] of this.#slots) {
      if (key === 'counts') continue
      const step = key.slice(0, key.lastIndexOf('/'))
      sums[step] = (sums[step] ?? 0) + slot.bytes()
    }
    return sums
  }

  table<F extends Fields>(key: string, { version, fields, migrate }: { version: number; fields: F; migrate?: Migrate }): Table<F> {
    const table = new Table(fields, this.#instruments)
    this.#claim(key, {
      version,
      migrate,
      save: () => {
        const { keys, arrays } = table.save()
        return { json: keys, arrays: { ...arrays } }
      },
      load: (s) => table.load({ keys: s.json as string[], arrays: s.arrays }),
      bytes: () => table.bytes,
      close: () => table.close(),
    })
    return table
  }

  cells<N extends string>(key: string, spec: { version: number; cells: Readonly<Record<N, number>>; migrate?: Migrate }): Record<N, number> {
    const names = Object.keys(spec.cells) as N[]
    const cells = { ...spec.cells } as Record<N, number>
    this.#claim(key, {
      version: spec.version,
      migrate: spec.migrate,
      save: () => ({ json: names, arrays: { values: Float64Array.from(names, (name) => cells[name]) } }),
      load: (s) => {
        names.forEach((name, i) => {
          cells[name] = s.arrays['values'][i]
        })
      },
      bytes: () => names.length * 8,
    })
    return cells
  }

  rows<S extends Schema>(key: string, { version, schema, migrate }: { version: number; schema: S; migrate?: Migrate }): RowBuffer<S> {
    const buffer = new RowBuffer(schema)
    this.#claim(key, {
      version,
      migrate,
      save: () => saveRows(buffer, this.#instruments),
      load: (s) => loadRows(buffer, s, this.#instruments),
      bytes: () => buffer.bytes,
      close: () => buffer.close(),
    })
    return buffer
  }

  value<T>(key: string, spec: ValueSpec<T>): Value<T> {
    const value: Value<T> = { current: spec.create() }
    this.#claim(key, {
      version: spec.version,
      migrate: spec.migrate,
      save: () => ({ json: spec.save(value.current), arrays: {} }),
      load: (s) => {
        value.current = spec.load(s.json)
      },
      bytes: () => 0,
    })
    return value
  }

  counter(step: string, reason: string): Counter {
    const counts = this.#counts
    const key = `${step}/${reason}`
    counts[key] ??= 0
    return {
      get count() {
        return counts[key]
      },
      add(rows) {
        counts[key] += rows
      },
    }
  }

  #claim(key: string, slot: Slot): void {
    if (this.#slots.has(key)) throw new TickloomError('STEP_ID_TAKEN', `a step asks twice for the state "${key}"`, { state: key })
    this.#slots.set(key, slot)
  }
}

function migrated(section: Section, { version, migrate }: Slot): Section {
  if (migrate !== undefined && section.version < version) {
    const columns = Object.fromEntries(Object.entries(section.arrays).map(([name, array]) => [name, widened(array)]))
    const { json, arrays } = migrate({ ...section, arrays: columns })
    return { key: section.key, version, json, arrays }
  }
  throw new TickloomError('STATE_VERSION', `"${section.key}" was saved as version ${section.version}, this code reads version ${version}`, {
    state: section.key,
  })
}

function refuseForeign(saved: readonly string[], own: readonly string[]): void {
  const differing = [...saved.filter((key) => !own.includes(key)), ...own.filter((key) => !saved.includes(key))]
  if (differing.length === 0) return
  const stepOf = (key: string): string => key.slice(0, Math.max(0, key.lastIndexOf('/'))) || key
  const [before, now] = [new Set(saved.map(stepOf)), new Set(own.map(stepOf))]
  const steps = [...new Set(differing.map(stepOf))]
  const gone = steps.filter((step) => !now.has(step))
  const added = steps.filter((step) => !before.has(step))
  const changed = steps.filter((step) => before.has(step) && now.has(step))
  const named = (list: readonly string[]): string => list.join(', ') || 'none'
  throw new TickloomError(
    'CHECKPOINT_FOREIGN',
    `the checkpoint is of another graph: new steps ${named(added)}; gone ${named(gone)}; with other state than before ${named(changed)}`,
    { added, gone, changed },
  )
}

function saveRows<S extends Schema>(buffer: RowBuffer<S>, instruments: Instruments): { json: unknown; arrays: Record<string, SavedArray> } {
  const arrays: Record<string, SavedArray> = {}
  const names: string[] = []
  const local = new Map<number, number>()
  for (const [column, kind] of Object.entries(buffer.schema)) {
    const values = (buffer.col[column] as SavedArray).slice(0, buffer.n)
    if (kind === 'instrument') {
      for (let i = 0; i < values.length; i++) {
        let k = local.get(values[i])
        if (k === undefined) local.set(values[i], (k = names.push(instruments.name(values[i])) - 1))
        values[i] = k
      }
    }
    arrays[column] = values
  }
  return { json: { n: buffer.n, names }, arrays }
}

function loadRows<S extends Schema>(buffer: RowBuffer<S>, section: Section, instruments: Instruments): void {
  const { n, names } = section.json as { n: number; names: string[] }
  const ids = names.map((name) => instruments.id(name))
  buffer.clear()
  buffer.reserve(n)
  for (const [column, kind] of Object.entries(buffer.schema)) {
    const to = buffer.col[column] as SavedArray
    to.set(section.arrays[column])
    if (kind === 'instrument') for (let i = 0; i < n; i++) to[i] = ids[to[i]]
  }
  buffer.n = n
}
