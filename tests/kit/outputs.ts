import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tickloom } from './commandLine.ts'

export const OUTPUTS = ['seconds', 'bursts', 'signals', 'late'] as const

/** Every Parquet file a run wrote, by path, with a hash of its bytes. */
export function parquetFiles(out: string): Record<string, string> {
  const files: Record<string, string> = {}
  for (const output of OUTPUTS) {
    if (!existsSync(join(out, output))) continue
    for (const name of readdirSync(join(out, output), { recursive: true }) as string[]) {
      if (name.endsWith('.parquet'))
        files[join(output, name)] = createHash('sha256')
          .update(readFileSync(join(out, output, name)))
          .digest('hex')
    }
  }
  return files
}

/** For each output of a run: how many rows ClickHouse holds, how many of them differ, and a hash over all of them whatever their order. */
export async function clickhouseRows(directory: string, run: string): Promise<Record<string, string>> {
  const hash = OUTPUTS.map(
    (t) =>
      `SELECT '${t}' AS output, toString(count()) || ' ' || toString(uniqExact(*)) || ' ' || toString(sum(cityHash64(*))) AS rows FROM (SELECT * EXCEPT run_id FROM ${t} WHERE run_id = '${run}')`,
  )
  const { code, stdout, stderr } = await tickloom(['sql', hash.join(' UNION ALL '), '--clickhouse', directory, '--format', 'json'])
  if (code !== 0) throw new Error(`tickloom sql ended with ${code}: ${stderr}`)
  return Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { output: string; rows: string })
      .map((r) => [r.output, r.rows]),
  )
}
