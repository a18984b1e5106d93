import avsc from 'avsc'
import type { SchemaSource } from './schemaSource.ts'
import { formerSchemas, recordSchemas } from './schemas.ts'

/**
 * Schemas that are known without asking anybody: those of tickloom's records, now and before, those given, and those asked for by
 * `idOf`. The id is the schema's fingerprint, made negative: registries count up from 1, so the two never collide and
 * a log may hold both. Documentation and defaults do not change it. Compatibility is not checked: there is no history.
 */
export function embeddedSchemas(others: readonly string[] = []): SchemaSource {
  const known = new Map<number, string>()
  const add = (schema: string): number => {
    const id = embeddedId(schema)
    known.set(id, schema)
    return id
  }
  const ours = Object.values(recordSchemas).map(({ json }) => json)
  for (const schema of [...ours, ...formerSchemas, ...others]) add(schema)
  return {
    idOf: async (_, schema) => add(schema),
    schemaOf: async (id) => known.get(id),
    describe: () => `schemas: embedded, ${known.size} known, no registry`,
  }
}

/** Negative int32: 31 bits of the fingerprint of the schema's canonical form. */
export function embeddedId(schema: string): number {
  return avsc.Type.forSchema(JSON.parse(schema)).fingerprint().readInt32BE(0) | 0x80000000
}
