import type { Type as AvroType, types } from 'avsc'
import type { Cursor } from './cursor.ts'

/** How to get past a value nobody asked for. `least`: the fewest bytes a value has; 0 only where every value has none. */
export type Skip =
  | { readonly kind: 'fixed'; readonly least: number }
  | { readonly kind: 'long' | 'bytes'; readonly least: number }
  | { readonly kind: 'record'; least: number; readonly parts: Skip[] }
  | { readonly kind: 'union'; readonly least: number; readonly parts: readonly Skip[] }
  | { readonly kind: 'array' | 'map'; readonly least: number; readonly items: Skip }

/** Deeper than this a value counts as malformed: a few bytes of a recursive type must not exhaust the stack. */
const DEEPEST = 200

const fixedSize: Readonly<Record<string, number>> = { null: 0, boolean: 1, float: 4, double: 8 }

/** The way past values of a type; `seen` holds the records under way, since they may contain themselves. */
export function skipOf(type: AvroType, seen = new Map<AvroType, Skip>()): Skip {
  const known = seen.get(type)
  if (known !== undefined) return known
  const name = type.typeName
  if (name in fixedSize) return { kind: 'fixed', least: fixedSize[name] }
  if (name === 'int' || name === 'long' || name === 'enum') return { kind: 'long', least: 1 }
  if (name === 'string' || name === 'bytes') return { kind: 'bytes', least: 1 }
  if (name === 'fixed') return { kind: 'fixed', least: (type as types.FixedType).size }
  if (name.startsWith('logical:')) return skipOf((type as types.LogicalType).underlyingType as AvroType, seen)
  if (name.startsWith('union:')) {
    return { kind: 'union', least: 1, parts: (type as types.UnwrappedUnionType).types.map((branch) => skipOf(branch as AvroType, seen)) }
  }
  if (name === 'array') return { kind: 'array', least: 1, items: skipOf((type as types.ArrayType).itemsType as AvroType, seen) }
  if (name === 'map') return { kind: 'map', least: 1, items: skipOf((type as types.MapType).valuesType as AvroType, seen) }
  if (name === 'record' || name === 'error') return skipOfRecord(type, seen)
  throw new Error(`a type that Avro does not have: ${name}`)
}

function skipOfRecord(type: AvroType, seen: Map<AvroType, Skip>): Skip {
  // A record can reach itself only through a union, an array or a map, which have a byte of their own.
  const skip: Skip = { kind: 'record', least: 1, parts: [] }
  seen.set(type, skip)
  for (const field of (type as types.RecordType).fields) skip.parts.push(skipOf(field.type as AvroType, seen))
  skip.least = skip.parts.reduce((sum, part) => sum + part.least, 0)
  return skip
}

/** Moves past a value. False where the bytes are not one. */
export function pass(cursor: Cursor, skip: Skip, depth = 0): boolean {
  if (depth > DEEPEST) return false
  switch (skip.kind) {
    case 'fixed':
      return advance(cursor, skip.least)
    case 'long':
      return !Number.isNaN(cursor.long())
    case 'bytes':
      return advance(cursor, cursor.long())
    case 'record':
      for (const part of skip.parts) if (!pass(cursor, part, depth + 1)) return false
      return true
    case 'union': {
      const branch = cursor.long()
      return branch >= 0 && branch < skip.parts.length && pass(cursor, skip.parts[branch], depth + 1)
    }
    default:
      return passItems(cursor, skip.items, skip.kind === 'map', depth)
  }
}

function passItems(cursor: Cursor, items: Skip, keyed: boolean, depth: number): boolean {
  for (;;) {
    const count = cursor.long()
    if (count === 0) return true
    if (Number.isNaN(count)) return false
    // A negative count comes with the size in bytes of what follows.
    if (count < 0) {
      if (!advance(cursor, cursor.long())) return false
      continue
    }
    // Values without bytes: any number of them may be claimed, and none has to be looked at.
    if (!keyed && items.least === 0) continue
    for (let i = 0; i < count; i++) {
      if (keyed && !advance(cursor, cursor.long())) return false
      if (!pass(cursor, items, depth + 1)) return false
    }
  }
}

function advance(cursor: Cursor, size: number): boolean {
  // Also false for NaN.
  if (!(size >= 0 && size <= cursor.end - cursor.pos)) return false
  cursor.pos += size
  return true
}
