import avsc, { type Type, type types } from 'avsc'
import { Quote } from '../../core/market.ts'
import { recordSchemas } from './schemas.ts'
import { type Skip, skipOf } from './skip.ts'

/**
 * What to do with the next field of a writer. PASS_... leave it out; OPT_... is a union of null, first, and the type
 * whose number is four less; other unions are looked up in `branches`.
 */
export const DOUBLE = 1
export const LONG = 2
export const PASS_FIXED = 3
export const PASS_LONG = 4
export const OPT_DOUBLE = 5
export const OPT_LONG = 6
export const PASS_OPT_FIXED = 7
export const PASS_OPT_LONG = 8
export const FLOAT = 9
export const NULL = 10
export const TEXT = 11
export const PASS_TEXT = 12
export const PASS_ANY = 13
export const UNION = 14

/** The fields of one record of a writer, in the writer's order. */
export interface FieldPlan {
  readonly op: Uint8Array
  /** Of a field that is read: which of `readable` it is. Of one left out: bytes of a fixed, or place in `skips`. */
  readonly arg: Int32Array
  /** Of UNION: what each branch is. */
  readonly branches: readonly (Uint8Array | undefined)[]
  readonly skips: readonly Skip[]
  /** Those of `readable` that the writer does not have: they get NaN. */
  readonly missing: Int32Array
  /** Fewest bytes of a record. */
  readonly least: number
}

export type RecordPlan =
  | { readonly kind: 'tick'; readonly tick: FieldPlan }
  | { readonly kind: 'heartbeat'; readonly fields: FieldPlan }
  | { readonly kind: 'block'; readonly before: FieldPlan; readonly tick: FieldPlan; readonly after: FieldPlan }

/** The numeric fields of a tick by number; the plans speak of them by it. */
export const readable: readonly string[] = Object.keys(Quote).filter((column) => column !== 'instrument')
export const TS = readable.indexOf('ts')
export const PRICE = readable.indexOf('price')

/** Long types that are no microseconds UTC, so that reading them as such would be wrong by orders of magnitude. */
const OTHER_TIMES = ['timestamp-millis', 'timestamp-nanos', 'local-timestamp-millis', 'local-timestamp-micros', 'local-timestamp-nanos']
const OTHER_LONGS = ['date', 'time-millis', 'time-micros']

class OtherTime extends avsc.types.LogicalType {
  protected override _fromValue(value: unknown): unknown {
    return value
  }
  protected override _toValue(value: unknown): unknown {
    return value
  }
}
const logicalTypes = Object.fromEntries([...OTHER_TIMES, ...OTHER_LONGS].map((name) => [name, OtherTime]))

/**
 * The reader's side. A writer may let the price be null: his records are read, and those without a price rejected one
 * by one.
 */
const readers = new Map<string, Type>(
  Object.values(recordSchemas).map(({ name, json }) => [
    name,
    avsc.Type.forSchema(JSON.parse(json, (_, value) => (value?.name === 'price' ? { ...value, type: ['double', 'null'] } : value))),
  ]),
)

/**
 * How to read what a writer with this schema wrote, leaving out the columns not `wanted`. Undefined where the schema is
 * of another kind of record, or such that Avro's rules do not let it be read as ours.
 */
export function planOf(schema: string, wanted: ReadonlySet<string>): RecordPlan | undefined {
  let writer: types.RecordType
  try {
    writer = avsc.Type.forSchema(JSON.parse(schema), { logicalTypes }) as types.RecordType
    const reader = readers.get(writer.name ?? '')
    if (reader === undefined) return undefined
    reader.createResolver(writer)
    return planOfRecord(writer, wanted)
  } catch {
    // avsc says in a plain Error both that a schema is none and that two do not fit: both mean unreadable.
    return undefined
  }
}

function planOfRecord(writer: types.RecordType, wanted: ReadonlySet<string>): RecordPlan {
  if (writer.name === 'tickloom.Tick') return { kind: 'tick', tick: planOfFields(writer.fields, tickFields(wanted)) }
  if (writer.name === 'tickloom.Heartbeat') return { kind: 'heartbeat', fields: planOfFields(writer.fields, new Map([['ts', TS]])) }
  const at = writer.fields.findIndex((field) => field.name === 'ticks')
  const items = (writer.fields[at].type as types.ArrayType).itemsType as types.RecordType
  return {
    kind: 'block',
    before: planOfFields(writer.fields.slice(0, at), new Map()),
    tick: planOfFields(items.fields, tickFields(wanted)),
    after: planOfFields(writer.fields.slice(at + 1), new Map()),
  }
}

/** Time, price and instrument are always read: a tick is judged by them. */
function tickFields(wanted: ReadonlySet<string>): ReadonlyMap<string, number> {
  const read = readable.filter((field, i) => i === TS || i === PRICE || wanted.has(field))
  return new Map([['instrument', -1], ...read.map((field) => [field, readable.indexOf(field)] as const)])
}

function planOfFields(fields: readonly types.Field[], read: ReadonlyMap<string, number>): FieldPlan {
  const op = new Uint8Array(fields.length)
  const arg = new Int32Array(fields.length)
  const branches: (Uint8Array | undefined)[] = []
  const skips: Skip[] = []
  let least = 0
  for (const [i, field] of fields.entries()) {
    const type = field.type as Type
    const target = read.get(field.name)
    least += skipOf(type).least
    branches.push(target === undefined ? undefined : branchesOf(type))
    op[i] = target === undefined ? passing(type) : reading(type)
    arg[i] = target ?? (op[i] === PASS_ANY ? skips.push(skipOf(type)) - 1 : fixedBytes(type))
  }
  const there = new Set(fields.map((field) => field.name))
  const missing = [...read].filter(([name]) => !there.has(name)).map(([, target]) => target)
  return { op, arg, branches, skips, missing: Int32Array.from(missing), least }
}

function reading(type: Type): number {
  if (!type.typeName.startsWith('union:')) return scalar(type)
  const [first, second, ...rest] = branchesOf(type) ?? []
  if (first === NULL && rest.length === 0 && second === DOUBLE) return OPT_DOUBLE
  if (first === NULL && rest.length === 0 && second === LONG) return OPT_LONG
  return UNION
}

function passing(type: Type): number {
  const skip = skipOf(type)
  if (skip.kind === 'fixed') return PASS_FIXED
  if (skip.kind === 'long') return PASS_LONG
  if (skip.kind === 'bytes') return PASS_TEXT
  if (skip.kind !== 'union' || skip.parts.length !== 2 || skip.parts[0].kind !== 'fixed' || skip.parts[0].least !== 0) return PASS_ANY
  if (skip.parts[1].kind === 'fixed') return PASS_OPT_FIXED
  return skip.parts[1].kind === 'long' ? PASS_OPT_LONG : PASS_ANY
}

function fixedBytes(type: Type): number {
  const skip = skipOf(type)
  const fixed = skip.kind === 'union' ? skip.parts[1] : skip
  return fixed?.kind === 'fixed' ? fixed.least : 0
}

function branchesOf(type: Type): Uint8Array | undefined {
  if (!type.typeName.startsWith('union:')) return undefined
  return Uint8Array.from((type as types.UnwrappedUnionType).types, (branch) => scalar(branch as Type))
}

function scalar(type: Type): number {
  const name = type.typeName
  if (name === 'string' || name === 'bytes') return TEXT
  if (name === 'double') return DOUBLE
  if (name === 'float') return FLOAT
  if (name === 'int' || name === 'long') return LONG
  if (name === 'null') return NULL
  throw new Error(`${name} where a number or a name should be`)
}
