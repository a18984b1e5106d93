import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import avsc from 'avsc'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { NEEDS_SCHEMA, RecordDecoder, ROWS, reasonOf } from '../../../connectors/avro/decoder.ts'
import { embeddedId } from '../../../connectors/avro/embedded.ts'
import { RecordEncoder, recordIds } from '../../../connectors/avro/encoder.ts'
import { registrySchemas } from '../../../connectors/avro/registry.ts'
import type { SchemaSource } from '../../../connectors/avro/schemaSource.ts'
import { recordSchemas } from '../../../connectors/avro/schemas.ts'
import type { TickloomError } from '../../../core/errors.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Quote } from '../../../core/market.ts'
import { RowBuffer } from '../../../core/rowBuffer.ts'
import { describeKafka, freshTopic, kafkaHere } from '../../kit/kafka.ts'
import { asAvsc, quotes, row, STAMP, wire } from './records.ts'

type Field = { name: string; type: unknown; default?: unknown }
const tick: { fields: Field[] } = JSON.parse(recordSchemas.tick.json)
const tickWith = (...added: Field[]): string => JSON.stringify({ ...tick, fields: [...tick.fields, ...added] })
const tickWithout = (...gone: string[]): string => JSON.stringify({ ...tick, fields: tick.fields.filter(({ name }) => !gone.includes(name)) })
const note = { name: 'note', type: ['null', 'string'], default: null }

describeKafka('schemas of a real registry', () => {
  let schemas: SchemaSource
  beforeAll(() => {
    schemas = registrySchemas({ url: kafkaHere().registry })
  })
  /** A decoder of another process: nothing is known to it but the registry. */
  const decoderOf = (source = registrySchemas({ url: kafkaHere().registry })) => {
    const decoder = new RecordDecoder({ columns: Quote, instruments: new Instruments(), schemas: source })
    const into = new RowBuffer(Quote)
    const decode = async (value: Buffer): Promise<number> => {
      if (decoder.decode(value, STAMP, into) === NEEDS_SCHEMA) await decoder.resolve(decoder.schemaId)
      return decoder.decode(value, STAMP, into)
    }
    return { decode, into }
  }
  const written = (id: number, schema: string, over: object = {}): Buffer =>
    wire(id, avsc.Type.forSchema(JSON.parse(schema)).toBuffer({ ...asAvsc(row({ volume: 7, bid: 101 })), ...over }))

  test('what is registered by one process is read by another', async () => {
    const ids = await recordIds(schemas)
    expect(Object.values(ids).every((id) => id > 0)).toBe(true)
    expect(await recordIds(registrySchemas({ url: kafkaHere().registry }))).toEqual(ids)
    const { batch } = quotes([row()])
    const instruments = new Instruments()
    instruments.id(row().instrument)
    const { decode, into } = decoderOf()
    expect(await decode(new RecordEncoder(ids, instruments).encodeTick(batch.view(0), 0))).toBe(ROWS)
    expect(into.col.price[0]).toBe(101.5)
  })

  test('a field added with a default, a field removed: old and new records are read by the same reader', async () => {
    const subject = freshTopic('evolving')
    const versions = [recordSchemas.tick.json, tickWith(note), tickWithout('bid', 'oi')]
    const { decode, into } = decoderOf()
    for (const schema of versions) {
      const id = await schemas.idOf(subject, schema)
      expect(await decode(written(id, schema, { note: 'halted' }))).toBe(ROWS)
    }
    expect([...into.col.volume.subarray(0, 3)]).toEqual([7, 7, 7])
    expect([...into.col.bid.subarray(0, 3)]).toEqual([101, 101, NaN])
  })

  test('an incompatible schema is refused, and nothing is registered', async () => {
    const subject = freshTopic('strict')
    const first = await schemas.idOf(subject, recordSchemas.tick.json)
    for (const schema of [
      tickWith({ name: 'note', type: 'string' }),
      JSON.stringify({ ...tick, fields: tick.fields.map((f) => (f.name === 'price' ? { ...f, type: 'string' } : f)) }),
    ]) {
      await expect(schemas.idOf(subject, schema)).rejects.toMatchObject({ code: 'SCHEMA_INCOMPATIBLE' })
    }
    const versions = await fetch(`${kafkaHere().registry}/subjects/${subject}/versions`).then((answer) => answer.json())
    expect(versions).toEqual([1])
    expect(await schemas.idOf(subject, recordSchemas.tick.json)).toBe(first)
  })

  const changed = (name: string, change: object): string =>
    JSON.stringify({ ...tick, fields: tick.fields.map((field) => (field.name === name ? { ...field, ...change } : field)) })
  test.each([
    ['a field removed that has a default', tickWithout('oi'), 'rows'],
    ['price removed', tickWithout('price'), 'wrong_schema'],
    ['price that may be null', changed('price', { type: ['null', 'double'] }), 'rows'],
    ['times in milliseconds', changed('ts', { type: { type: 'long', logicalType: 'timestamp-millis' } }), 'wrong_schema'],
    ['a field added without a default', tickWith({ name: 'note', type: 'string' }), 'SCHEMA_INCOMPATIBLE'],
    ['a field renamed', changed('price', { name: 'last' }), 'SCHEMA_INCOMPATIBLE'],
    ['a type changed', changed('ts', { type: 'string' }), 'SCHEMA_INCOMPATIBLE'],
  ])('docs/concepts/schemas.md, changing one: %s: %s', async (_, schema, outcome) => {
    const subject = freshTopic('change')
    await schemas.idOf(subject, recordSchemas.tick.json)
    const id = await schemas.idOf(subject, schema).catch((thrown: TickloomError) => thrown.code)
    if (typeof id === 'string') return expect(id).toBe(outcome)
    const code = await decoderOf().decode(written(id, schema))
    expect(code === ROWS ? 'rows' : reasonOf(code)).toBe(outcome)
  })

  test('an id that the registry does not know is unknown; one of another kind of record is wrong', async () => {
    const { decode } = decoderOf()
    expect(reasonOf(await decode(written(999_999, recordSchemas.tick.json)))).toBe('unknown_schema')
    const other = await schemas.idOf(freshTopic('other'), JSON.stringify({ type: 'record', name: 'Other', fields: [{ name: 'a', type: 'int' }] }))
    expect(reasonOf(await decode(written(other, recordSchemas.tick.json)))).toBe('wrong_schema')
  })

  test('records from before there was a registry stay readable', async () => {
    expect(await decoderOf().decode(written(embeddedId(recordSchemas.tick.json), recordSchemas.tick.json))).toBe(ROWS)
  })

  test('a wrong path is a registry that cannot be asked, though it answers 404', async () => {
    const lost = registrySchemas({ url: new URL(kafkaHere().registry).origin, retries: 0 })
    await expect(lost.schemaOf(1)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
    await expect(lost.idOf('a', recordSchemas.tick.json)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
    await expect(decoderOf(lost).decode(written(4711, recordSchemas.tick.json))).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
  })

  test('nobody there: REGISTRY_UNREACHABLE after the retries, and never a verdict on a record', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => closed.once('listening', resolve))
    const url = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`
    await new Promise((resolve) => closed.close(resolve))
    await expect(decoderOf(registrySchemas({ url, retries: 1 })).decode(written(4711, recordSchemas.tick.json))).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      at: { registry: url },
    })
  })

  describeGuarded()
})

/** The same registry behind a door that asks for user and password. */
function describeGuarded(): void {
  let door: Server
  let url = ''
  beforeAll(async () => {
    const { hostname, port, pathname } = new URL(kafkaHere().registry)
    door = createServer((from, to) => {
      if (from.headers.authorization !== `Basic ${btoa('reader:s3cret pass')}`) return to.writeHead(from.url?.includes('/1') ? 403 : 401).end()
      const onward = request({ hostname, port, path: from.url, method: from.method, headers: from.headers }, (answer) => {
        to.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(to)
      })
      from.pipe(onward)
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => door.once('listening', resolve))
    url = `http://127.0.0.1:${(door.address() as AddressInfo).port}${pathname}`
  })
  afterAll(() => {
    door?.closeAllConnections()
    door?.close()
  })

  test('user and password open a guarded registry, given apart or in the URL', async () => {
    const apart = registrySchemas({ url, user: 'reader', password: 's3cret pass' })
    const inUrl = registrySchemas({ url: url.replace('//', '//reader:s3cret%20pass@') })
    const id = await apart.idOf('tickloom.Tick', recordSchemas.tick.json)
    expect(await inUrl.idOf('tickloom.Tick', recordSchemas.tick.json)).toBe(id)
    expect(inUrl.describe()).toBe(`schemas: registry ${url} as reader`)
  })

  test('wrong ones are refused, and no failure shows the password', async () => {
    const wrong = registrySchemas({ url, user: 'reader', password: 'hunter2' })
    for (const question of [wrong.schemaOf(1), wrong.idOf('tickloom.Tick', recordSchemas.tick.json)]) {
      const failure = await question.catch((thrown: unknown) => thrown)
      expect(failure).toMatchObject({ code: 'REGISTRY_REFUSED' })
      expect(inspect(failure, { depth: 20, showHidden: true })).not.toMatch(/hunter2|Basic|aHVud|cmVhZGVy/)
    }
    expect(inspect(wrong, { depth: 20 }) + wrong.describe()).not.toContain('hunter2')
  })
}

test.each(['user:s3cret@', 'localhost:8081', ''])(
  'an address without http or https is refused before anything is asked, and not repeated: "%s"',
  (url) => {
    expect(() => registrySchemas({ url })).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', message: expect.not.stringContaining('s3cret') }),
    )
  },
)
