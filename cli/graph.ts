import { type Command, Option } from 'commander'
import { messageOf, TickloomError } from '../core/errors.ts'
import { listParameters, type ParameterLine, type Params, resolveParameters } from '../core/parameters.ts'
import type { Topology } from '../core/topology.ts'
import { Flow } from '../runtime/flow.ts'
import type { GraphEdge } from '../runtime/lineage.ts'
import { fromTicks } from '../topologies/seconds/fromTicks.ts'
import { type CommonFlags, repeated, verb } from './flags.ts'
import { loadTopology } from './loadTopology.ts'

export interface GraphNode {
  /** As the edges name it: `input:ticks`, `step:dedup`, `output:signals`. */
  readonly id: string
  readonly kind: 'input' | 'step' | 'output'
  readonly name: string
}

/** Everything there is to draw about a topology. */
export interface Drawing {
  readonly topology: string
  readonly version: number
  readonly memory: string
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
  readonly parameters: readonly (ParameterLine & { readonly value: unknown })[]
  readonly presets: Readonly<Record<string, unknown>>
}

interface GraphFlags extends CommonFlags {
  readonly topology: string
  readonly format: 'mermaid' | 'dot' | 'json'
  readonly param: string[]
  readonly preset?: string
}

/** `tickloom graph`: draws a topology, and lists its parameters. */
export function graphVerb(): Command {
  return verb('graph', 'Draw a topology: its steps, inputs and outputs, and the parameters it takes.', [
    'tickloom graph --topology volume-burst',
    'tickloom graph --topology volume-burst --format dot | dot -Tsvg > graph.svg',
    'tickloom graph --topology ./my-strategy.ts --format json --param signal.floor=900',
  ])
    .requiredOption('--topology <name|file>', 'a folder of topologies/, or a file that exports a topology')
    .addOption(new Option('--format <format>', 'what to draw it in').choices(['mermaid', 'dot', 'json']).default('mermaid'))
    .option('--param <name=value>', 'set a parameter (repeatable)', repeated, [])
    .option('--preset <name>', 'a named set of parameters of the topology')
    .action(async (flags: GraphFlags) => {
      const drawing = draw(fromTicks(await loadTopology(flags.topology)), flags.param, flags.preset)
      const format = flags.json ? 'json' : flags.format
      process.stdout.write(`${formats[format](drawing)}\n`)
    })
}

/** Wires the topology once, without data, and looks at what came out. */
export function draw(t: Topology, settings: readonly string[] = [], preset?: string): Drawing {
  const params = resolveParameters(t, settings, preset)
  const flow = new Flow()
  try {
    flow.wire(t, params)
  } catch (cause) {
    if (cause instanceof TickloomError) throw cause
    throw new TickloomError('TOPOLOGY_INVALID', `wire() of topology ${t.name} failed: ${messageOf(cause)}`, { topology: t.name }, cause)
  }
  const edges = flow.edges()
  return {
    topology: t.name,
    version: t.version,
    memory: t.memory,
    nodes: nodesOf(t, [...flow.meters.keys()]),
    edges,
    parameters: listParameters(t.params).map((line) => ({ ...line, value: valueAt(params, line.path) })),
    presets: t.presets ?? {},
  }
}

function nodesOf(t: Topology, steps: readonly string[]): GraphNode[] {
  const named = (kind: GraphNode['kind'], names: readonly string[]): GraphNode[] => names.map((name) => ({ id: `${kind}:${name}`, kind, name }))
  return [...named('input', Object.keys(t.inputs)), ...named('step', steps), ...named('output', Object.keys(t.outputs))]
}

function valueAt(params: Params, path: string): unknown {
  return path.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], params)
}

const formats: Readonly<Record<GraphFlags['format'], (d: Drawing) => string>> = {
  mermaid: (d) => [...notes(d).map((line) => `%% ${line}`.trimEnd()), mermaid(d)].join('\n'),
  dot: (d) => [...notes(d).map((line) => `// ${line}`.trimEnd()), dot(d)].join('\n'),
  json: (d) => JSON.stringify(d, undefined, 2),
}

/** The graph as Mermaid, which Markdown viewers draw. */
export function mermaid({ nodes, edges }: Drawing): string {
  const shape = { input: ['([', '])'], step: ['[', ']'], output: ['[(', ')]'] } as const
  const key = keysOf(nodes)
  const lines = nodes.map(({ id, kind, name }) => `  ${key.get(id)}${shape[kind][0]}"${name}"${shape[kind][1]}`)
  for (const { from, to, label } of edges) {
    if (!key.has(from)) continue
    lines.push(`  ${key.get(from)} ${label === undefined ? '-->' : `-- ${label} -->`} ${key.get(to)}`)
  }
  return ['flowchart LR', ...lines].join('\n')
}

/** The graph as Graphviz reads it. */
export function dot({ topology, nodes, edges }: Drawing): string {
  const shape = { input: 'oval', step: 'box', output: 'cylinder' } as const
  const quote = (text: string): string => JSON.stringify(text)
  const lines = nodes.map(({ id, kind, name }) => `  ${quote(id)} [label=${quote(name)}, shape=${shape[kind]}]`)
  for (const { from, to, label } of edges) lines.push(`  ${quote(from)} -> ${quote(to)}${label === undefined ? '' : ` [label=${quote(label)}]`}`)
  return [`digraph ${quote(topology)} {`, '  rankdir=LR', ...lines, '}'].join('\n')
}

// Mermaid reads `end`, `call` and the like as words of its own, so nodes are numbered.
function keysOf(nodes: readonly GraphNode[]): Map<string, string> {
  return new Map(nodes.map(({ id }, i) => [id, `n${i}`]))
}

/** The parameters as a table of plain text, to stand in a comment above the graph. */
export function notes({ topology, version, memory, parameters, presets }: Drawing): string[] {
  const rows = [['parameter', 'value', 'default', 'unit', 'meaning']]
  for (const p of parameters) rows.push([p.path, shown(p.value), shown(p.byDefault), p.unit, p.description])
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  const table = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  )
  const names = Object.entries(presets).map(([name, values]) => `preset ${name}: ${JSON.stringify(values)}`)
  const remembers = memory === 'day' ? 'days are independent' : 'remembers everything before'
  return [`${topology}, version ${version}; ${remembers}`, '', ...table, ...(names.length > 0 ? ['', ...names] : []), '']
}

function shown(value: unknown): string {
  return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)
}
