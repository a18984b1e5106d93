import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { KafkaDriver } from '../../connectors/kafka/driver.ts'
import { duckRows } from '../../connectors/parquet/duck.ts'
import { outputFiles, partitionsOf } from '../../connectors/parquet/outputManifest.ts'
import { tickloom } from './commandLine.ts'
import { OUTPUTS } from './outputs.ts'

/** Rows as text by where they lie: `parquet/<partition>/<output>`, `topic/<partition>/<output>` in their order, `table/<output>` sorted. */
export type Kept = Readonly<Record<string, readonly string[]>>

/** What the manifests of a run's folder say is there. */
export async function parquetRows(out: string): Promise<Kept> {
  const kept: Record<string, string[]> = {}
  for (const partition of partitionsOf(out)) {
    for (const output of OUTPUTS) {
      const files = outputFiles(out, partition).filter((file) => file.output === output)
      const rows: string[] = []
      for (const part of slices(files, 200)) {
        const list = part.map(({ path }) => `'${join(out, path)}'`).join(', ')
        const found = await duckRows<{ row: string }>(
          `SELECT to_json(r)::VARCHAR AS row FROM (SELECT * REPLACE (epoch_us(ts) AS ts) FROM read_parquet([${list}], file_row_number = true, filename = true)) AS r`,
        )
        const order = new Map(part.map(({ path }, i) => [join(out, path), i]))
        const placed = found.map(({ row }) => {
          const { filename, file_row_number, ...rest } = JSON.parse(row) as Record<string, unknown>
          return { at: (order.get(filename as string) as number) * 1e6 + (file_row_number as number), text: JSON.stringify(rest) }
        })
        rows.push(...placed.sort((a, b) => a.at - b.at).map(({ text }) => text))
      }
      kept[`parquet/${partition}/${output}`] = rows
    }
  }
  return kept
}

/** Files of outputs in the folder that no manifest names. */
export function strays(out: string): string[] {
  const named = new Set(partitionsOf(out).flatMap((partition) => outputFiles(out, partition).map(({ path }) => path)))
  return OUTPUTS.filter((output) => existsSync(join(out, output)))
    .flatMap((output) => (readdirSync(join(out, output), { recursive: true }) as string[]).map((path) => `${output}/${path}`))
    .filter((path) => path.includes('.parquet') && !named.has(path))
}

/** Asked by a process of its own: an embedded database has one owner at a time. */
export async function tableRows(clickhouse: string, run: string): Promise<Kept> {
  const select = OUTPUTS.map(
    (t) =>
      `SELECT '${t}' AS output, toJSONString(tuple(* EXCEPT (run_id, underlying, expiry, strike, type))) AS row FROM tickloom.${t} WHERE run_id = '${run}'`,
  )
  const { code, stdout, stderr } = await tickloom(['sql', select.join(' UNION ALL '), '--clickhouse', clickhouse, '--format', 'json'])
  if (code !== 0) throw new Error(`tickloom sql ended with ${code}: ${stderr}`)
  const kept: Record<string, string[]> = {}
  for (const line of stdout.trim().split('\n')) {
    const { output, row } = JSON.parse(line) as { output: string; row: string }
    ;(kept[`table/${output}`] ??= []).push(row)
  }
  for (const rows of Object.values(kept)) rows.sort()
  return kept
}

/** Committed records of the output topics. */
export async function topicRows(driver: KafkaDriver, prefix: string, outputs: readonly string[], partitions: number): Promise<Kept> {
  const reader = await driver.reader()
  const kept: Record<string, string[]> = {}
  for (const output of outputs) {
    for (let partition = 0; partition < partitions; partition++) {
      const rows: string[] = []
      for await (const batch of reader.read({ topic: prefix + output, partition })) {
        for (let i = 0; i < batch.n; i++) {
          const { key, value } = batch.record(i)
          rows.push(`${key} ${value?.toString('hex')}`)
        }
      }
      kept[`topic/${partition}/${output}`] = rows
    }
  }
  await reader.close()
  return kept
}

/** A line for each place in which the two differ, and what to look at: empty when every row is in both, as often and in the same order. */
export function difference(found: Kept, wanted: Kept): string[] {
  return [...new Set([...Object.keys(found), ...Object.keys(wanted)])].flatMap((place) => {
    const [a, b] = [found[place] ?? [], wanted[place] ?? []]
    if (a.length === b.length && a.every((row, i) => row === b[i])) return []
    const [more, less] = [without(a, b), without(b, a)]
    const first = a.findIndex((row, i) => row !== b[i])
    const order = more.length + less.length === 0 ? `; only their order differs, first ${a[first]} instead of ${b[first]}` : ''
    return [
      `${place}: ${a.length} rows, ${b.length} wanted; lost ${less.length}: ${less.slice(0, 2).join('  ')}; too many ${more.length}: ${more.slice(0, 2).join('  ')}${order}`,
    ]
  })
}

function without(rows: readonly string[], taken: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const row of taken) left.set(row, (left.get(row) ?? 0) + 1)
  return rows.filter((row) => {
    const n = left.get(row) ?? 0
    if (n > 0) left.set(row, n - 1)
    return n === 0
  })
}

function slices<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))
}
