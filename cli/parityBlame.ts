import { join } from 'node:path'
import { duckRows, identifier, quoted } from '../connectors/parquet/duck.ts'
import { filesInOrder } from '../connectors/parquet/readDuck.ts'
import type { Recording } from '../connectors/parquet/recording.ts'
import type { Schema } from '../core/batch.ts'
import { HEARTBEAT } from '../core/market.ts'
import { MINUTE } from '../core/time.ts'
import type { GraphEdge } from '../runtime/lineage.ts'
import type { Compared, ParityRow } from './parityCompare.ts'

/** An output upstream that differs so soon after the first difference is its cause: a row's time may be its second's start. */
const AROUND = MINUTE

/** The first step of the graph whose output differs. */
export interface Blame {
  readonly step: string
  readonly output: string
  /** Steps before it whose own outputs nobody wrote down: it may be one of them. */
  readonly orBefore: readonly string[]
}

/** Looks along the graph for the first step whose output differs about the time of the first difference. */
export function blame(compared: readonly Compared[], edges: readonly GraphEdge[]): Blame | undefined {
  const first = Math.min(...compared.map((c) => c.first?.ts ?? Infinity))
  const differs = (c: Compared): boolean => c.first !== undefined && c.first.ts < first + AROUND
  const found = compared.filter(differs).map(({ output }) => ({ output, node: sourceOf(`output:${output}`, edges) }))
  if (found.length === 0) return undefined
  const [{ output, node }] = found.sort((a, b) => depthOf(a.node, edges) - depthOf(b.node, edges))
  // An equal output below it clears nobody: what came out of the step differed.
  const elsewhere = compared.filter((c) => !differs(c)).map((c) => upstream(`output:${c.output}`, edges))
  const cleared = elsewhere.filter((nodes) => !nodes.has(node))
  const orBefore = [...upstream(node, edges)].filter((other) => other.startsWith('step:') && !cleared.some((nodes) => nodes.has(other)))
  return { step: nameOf(node), output, orBefore: orBefore.map(nameOf).reverse() }
}

const nameOf = (node: string): string => node.slice(node.indexOf(':') + 1)

function sourceOf(node: string, edges: readonly GraphEdge[]): string {
  return edges.find(({ to }) => to === node)?.from ?? '?'
}

/** Everything that a node reads from, nearest first. */
function upstream(node: string, edges: readonly GraphEdge[], found = new Set<string>()): Set<string> {
  for (const { from, to } of edges) {
    if (to !== node || found.has(from)) continue
    found.add(from)
    upstream(from, edges, found)
  }
  return found
}

function depthOf(node: string, edges: readonly GraphEdge[]): number {
  return Math.max(0, ...edges.filter(({ to }) => to === node).map(({ from }) => depthOf(from, edges) + 1))
}

/**
 * Recorded rows about a time, in the order they came: of that instrument, `rows` before the first that is not earlier,
 * and `rows` from it on. None when no partition holds any.
 */
export async function inputAround(
  lake: string,
  recordings: readonly Recording[],
  input: Schema,
  { ts, instrument }: { readonly ts: number; readonly instrument: string | undefined },
  rows: number,
): Promise<ParityRow[]> {
  for (const { files } of recordings) {
    const columns = Object.entries(input).map(([name, kind]) =>
      kind === 'time' ? `epoch_us(${identifier(name)})::DOUBLE AS ${identifier(name)}` : identifier(name),
    )
    const which = instrument === undefined ? `instrument <> ${quoted(HEARTBEAT)}` : `instrument = ${quoted(instrument)}`
    const found = await duckRows<Record<string, number | string | null>>(`
      WITH came AS (SELECT ${columns.join(', ')}, row_number() OVER () AS place FROM ${filesInOrder(files.map(({ path }) => join(lake, path)))}),
        own AS (SELECT *, row_number() OVER (ORDER BY place) AS nth FROM came WHERE ${which}),
        reached AS (SELECT coalesce(min(nth) FILTER (ts >= ${ts}), max(nth) + 1) AS nth FROM own)
      SELECT own.* EXCLUDE (place, nth) FROM own, reached WHERE own.nth BETWEEN reached.nth - ${rows} AND reached.nth + ${rows - 1} ORDER BY own.nth`)
    if (found.length > 0) return found.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? NaN])))
  }
  return []
}
