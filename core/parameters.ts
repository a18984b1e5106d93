import type { z } from 'zod'
import { TickloomError } from './errors.ts'
import type { Topology } from './topology.ts'

export type Params = Readonly<Record<string, unknown>>

/** One parameter as a person sees it: `rollingBurst.window`, its unit, its default, what it means. */
export interface ParameterLine {
  readonly path: string
  readonly unit: string
  readonly byDefault: unknown
  readonly description: string
}

interface Inspected {
  def: { type: string; shape?: Record<string, Inspected>; innerType?: Inspected; defaultValue?: unknown }
  meta(): Record<string, unknown> | undefined
}

/** Every parameter of a topology, in the order it declares them. */
export function listParameters(params: z.ZodObject): ParameterLine[] {
  const lines: ParameterLine[] = []
  walk(params as unknown as Inspected, '', lines)
  return lines
}

function walk(node: Inspected, path: string, lines: ParameterLine[]): void {
  const inner = node.def.type === 'default' || node.def.type === 'prefault' ? (node.def.innerType as Inspected) : node
  if (inner.def.type === 'object') {
    for (const [name, child] of Object.entries(inner.def.shape ?? {})) walk(child, path === '' ? name : `${path}.${name}`, lines)
    return
  }
  const meta = { ...inner.meta(), ...node.meta() }
  lines.push({ path, unit: String(meta['unit'] ?? ''), byDefault: node.def.defaultValue, description: String(meta['description'] ?? '') })
}

/**
 * The parameters of a run: defaults, then the preset, then `path=value` settings, checked against the topology.
 * Throws PARAMETER_INVALID naming the setting, and what there is instead.
 */
export function resolveParameters(t: Topology, settings: readonly string[] = [], preset?: string): Params {
  const given: Record<string, unknown> = structuredClone({ ...pickPreset(t, preset) })
  const known = listParameters(t.params).map((line) => line.path)
  for (const setting of settings) {
    const [path, ...rest] = setting.split('=')
    if (rest.length === 0) throw new TickloomError('PARAMETER_INVALID', `"${setting}" is not of the form name=value`, { setting })
    if (!known.includes(path)) {
      throw new TickloomError('PARAMETER_INVALID', `${t.name} has no parameter "${path}"; it has ${known.join(', ')}`, { parameter: path })
    }
    place(given, path.split('.'), parseValue(rest.join('=')))
  }
  const parsed = t.params.safeParse(given)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const parameter = issue.path.join('.')
    throw new TickloomError('PARAMETER_INVALID', `parameter ${parameter} of ${t.name}: ${issue.message}`, { parameter })
  }
  return parsed.data as Params
}

function pickPreset(t: Topology, preset: string | undefined): Record<string, unknown> {
  if (preset === undefined) return {}
  const found = t.presets?.[preset]
  if (found) return found as Record<string, unknown>
  throw new TickloomError('PARAMETER_INVALID', `${t.name} has no preset "${preset}"; it has ${Object.keys(t.presets ?? {}).join(', ') || 'none'}`, {
    preset,
  })
}

function place(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [head, ...rest] = path
  if (rest.length === 0) {
    into[head] = value
    return
  }
  into[head] = { ...(into[head] as object | undefined) }
  place(into[head] as Record<string, unknown>, rest, value)
}

/** Numbers and booleans as such, anything else as text. */
function parseValue(text: string): unknown {
  if (text === 'true') return true
  if (text === 'false') return false
  const number = Number(text)
  return text.trim() !== '' && !Number.isNaN(number) ? number : text
}
