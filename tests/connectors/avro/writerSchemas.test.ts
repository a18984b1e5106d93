import avsc from 'avsc'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { embeddedId } from '../../../connectors/avro/embedded.ts'
import type { Kind } from '../../../core/batch.ts'
import { Quote } from '../../../core/market.ts'
import { avscTypes, type QuoteRow, reading, T0, wire } from './records.ts'

/** A type as a writer's schema has it, and the values written with it, as avsc takes them with `wrapUnions`. */
interface Written {
  readonly type: unknown
  readonly value: fc.Arbitrary<unknown>
}

const of = (type: unknown, value: fc.Arbitrary<unknown>): Written => ({ type, value })
const union = (...branches: readonly Written[]): Written =>
  of(
    branches.map(({ type }) => type),
    fc.oneof(...branches.map(({ type, value }) => (type === 'null' ? value : value.map((v) => ({ [branchName(type)]: v }))))),
  )
const branchName = (type: unknown): string => {
  if (typeof type === 'string') return type
  const { name, type: kind } = type as { name?: string; type: string }
  return name ?? kind
}

const nil = of('null', fc.constant(null))
const int = of('int', fc.integer())
// avsc itself reads exactly up to 2^52 only.
const long = of('long', fc.integer({ min: -(2 ** 52), max: 2 ** 52 }))
const float = of('float', fc.float())
const double = of('double', fc.double({ noNaN: true }))
const micros = of({ type: 'long', logicalType: 'timestamp-micros' }, fc.integer({ min: T0 - 1e12, max: T0 }))
const bytesOf = (written: fc.Arbitrary<string>): Written =>
  of(
    'bytes',
    written.map((text) => Buffer.from(text)),
  )
const names = fc.constantFrom('NIFTY', 'NIFTY:2025-01-09:24000:PE', 'B')
const positive = fc.double({ min: 0, max: 1e300, noNaN: true })

/** All the ways in which a writer may have a field that can be read as ours. */
const optionalNumber = [
  double,
  float,
  int,
  long,
  nil,
  union(nil, double),
  union(double, nil),
  union(nil, float),
  union(int, nil, double),
  union(nil, long),
]
const optionalTime = [micros, long, int, nil, union(nil, micros), union(nil, int), union(long), union(long, nil)]
const variants: Readonly<Record<string, readonly Written[]>> = {
  instrument: [of('string', names), bytesOf(names), union(of('string', names)), union(bytesOf(names), of('string', names))],
  ts: [micros, union(micros)],
  price: [
    of('double', positive),
    of('int', fc.nat()),
    of('long', fc.integer({ min: 0, max: 2 ** 52 })),
    of('float', fc.float({ min: 0, noNaN: true, noDefaultInfinity: true })),
    union(of('double', positive)),
  ],
  ...Object.fromEntries(
    Object.entries(Quote)
      .filter(([c]) => !['ts', 'instrument', 'price'].includes(c))
      .map(([c, kind]) => [c, kind === 'time' ? optionalTime : optionalNumber]),
  ),
}

// Shrunk they would be alike, and Avro takes a name once.
const fresh = fc.noShrink(fc.uuid().map((id) => `other.X${id.replaceAll('-', '')}`))
/** Every Avro type there is, for the fields that nobody reads. */
const anyType: fc.Arbitrary<Written> = fc.letrec<{ type: Written }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom(
      nil,
      int,
      long,
      float,
      double,
      of('boolean', fc.boolean()),
      of('string', fc.string()),
      bytesOf(fc.string()),
      union(nil, int),
      union(nil, of('string', fc.string())),
      union(nil, double),
    ),
    fc
      .tuple(fresh, fc.integer({ min: 1, max: 20 }))
      .map(([name, size]) => of({ type: 'fixed', name, size }, fc.uint8Array({ minLength: size, maxLength: size }).map(Buffer.from))),
    fresh.map((name) => of({ type: 'enum', name, symbols: ['A', 'B'] }, fc.constantFrom('A', 'B'))),
    tie('type').map(({ type, value }) => of({ type: 'array', items: type }, fc.array(value, { maxLength: 3 }))),
    tie('type').map(({ type, value }) => of({ type: 'map', values: type }, fc.dictionary(fc.string(), value, { maxKeys: 3 }))),
    fc.tuple(fresh, fc.array(tie('type'), { maxLength: 3 })).map(([name, fields]) =>
      recordOf(
        name,
        fields.map((field, i) => [`f${i}`, field]),
      ),
    ),
    fc.tuple(fresh, tie('type')).map(([name, field]) => union(nil, recordOf(name, [['f', field]]), int)),
  ),
})).type

function recordOf(name: string, fields: readonly (readonly [string, Written])[]): Written {
  return of(
    { type: 'record', name, fields: fields.map(([field, { type }]) => ({ name: field, type })) },
    fc.record(Object.fromEntries(fields.map(([field, { value }]) => [field, value]))),
  )
}

const extras = (prefix: string): fc.Arbitrary<[string, Written][]> =>
  fc.array(anyType, { maxLength: 3 }).map((types) => types.map((type, i) => [`${prefix}${i}`, type]))
const required = new Set(['instrument', 'ts', 'price'])
const ours: fc.Arbitrary<[string, Written][]> = fc
  .tuple(...Object.entries(variants).map(([name, types]) => fc.tuple(fc.constant(name), fc.constantFrom(...types), fc.boolean())))
  .map((fields) => fields.filter(([name, , there]) => there || required.has(name)).map(([name, type]) => [name, type]))
const tick: fc.Arbitrary<Written> = fc
  .tuple(ours, extras('extra'))
  .chain(([a, b]) => fc.shuffledSubarray([...a, ...b], { minLength: a.length + b.length }))
  .map((fields) => recordOf('tickloom.Tick', fields))
const block: fc.Arbitrary<Written> = fc
  .tuple(tick, extras('extra'))
  .chain(([{ type, value }, b]) => {
    const ticks: [string, Written] = ['ticks', of({ type: 'array', items: type }, fc.array(value, { maxLength: 5 }))]
    return fc.shuffledSubarray([ticks, ['underlying', of('string', fc.constant('NIFTY'))] as [string, Written], ...b], { minLength: b.length + 2 })
  })
  .map((fields) => recordOf('tickloom.TickBlock', fields))

const columns: fc.Arbitrary<Record<string, Kind>> = fc.subarray(Object.entries(Quote)).map((entries) => Object.fromEntries(entries))

function expected(tick: Record<string, unknown>, wanted: Record<string, Kind>): Partial<QuoteRow> {
  return Object.fromEntries(Object.keys(wanted).map((column) => [column, tick[column] ?? NaN]))
}

test.each([
  ['ticks', 'tick', tick],
  ['blocks', 'block', block],
] as const)('%s of any writer come out as the resolver of avsc reads them, and cut off they are rejected', async (_, kind, schemas) => {
  const written = schemas.chain(({ type, value }) => fc.tuple(fc.constant(type), value))
  await fc.assert(
    fc.asyncProperty(written, columns, async ([schema, value], wanted) => {
      const json = JSON.stringify(schema)
      const writer = avsc.Type.forSchema(JSON.parse(json), { wrapUnions: true })
      const body = writer.toBuffer(value)
      const read = avscTypes[kind].fromBuffer(body, avscTypes[kind].createResolver(writer))
      const { decode, rows } = reading(wanted, { others: [json] })
      expect(await decode(wire(embeddedId(json), body))).toBe('rows')
      const ticks: Record<string, unknown>[] = kind === 'block' ? read.ticks : [read]
      expect(rows()).toEqual(ticks.map((of) => expected(of, wanted)))
      const step = Math.ceil(body.length / 30)
      for (let n = body.length - 1; n >= 0; n -= step) expect(await decode(wire(embeddedId(json), body.subarray(0, n)))).toBe('truncated')
      expect(rows()).toHaveLength(ticks.length)
    }),
    { numRuns: 60 },
  )
})

test('a writer may let the price be null: his ticks with one are read, those without are rejected', async () => {
  const schema = recordOf('tickloom.Tick', [
    ['instrument', of('string', names)],
    ['ts', micros],
    ['price', union(nil, double)],
  ]).type
  const writer = avsc.Type.forSchema(schema as avsc.schema.RecordType)
  const id = embeddedId(JSON.stringify(schema))
  const { decode } = reading(Quote, { others: [JSON.stringify(schema)] })
  const value = (price: number | null): Buffer => wire(id, writer.toBuffer({ instrument: 'NIFTY', ts: T0, price }))
  expect([await decode(value(5)), await decode(value(null)), await decode(value(0))]).toEqual(['rows', 'bad_price', 'rows'])
})

test('bytes that claim ever deeper records, or items without bytes, are passed over or rejected in no time', async () => {
  const node = { type: 'record', name: 'Node', fields: [{ name: 'next', type: ['null', 'Node'] }] }
  const schema = JSON.stringify({
    type: 'record',
    name: 'tickloom.Heartbeat',
    fields: [
      { name: 'nothing', type: { type: 'array', items: 'null' } },
      { name: 'list', type: node },
      { name: 'ts', type: 'long' },
    ],
  })
  const writer = avsc.Type.forSchema(JSON.parse(schema), { wrapUnions: true })
  const billions = Buffer.of(0xfe, 0xff, 0xff, 0xff, 0xff, 0x1f, 0)
  const rest = writer.toBuffer({ nothing: [], list: { next: { 'tickloom.Node': { next: null } } }, ts: T0 }).subarray(1)
  const { decode } = reading(Quote, { others: [schema] })
  expect(await decode(wire(embeddedId(schema), Buffer.concat([billions, rest])))).toBe('heartbeat')
  expect(await decode(wire(embeddedId(schema), Buffer.concat([Buffer.of(0), Buffer.alloc(1_000_000, 2)])))).toBe('truncated')
})
