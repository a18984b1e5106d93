import { expect } from 'vitest'
import { tickloom } from './commandLine.ts'
import { PARITY_DATE, type runParityDay } from './liveDayRun.ts'

type Places = Awaited<ReturnType<typeof runParityDay>>

/** Has `tickloom parity` compare a day with its recording, in Parquet and in ClickHouse: equal, and something in each output. */
export async function expectParity(
  { live, database, recorded }: Places,
  more: readonly string[] = [],
  expected: readonly string[] = ['seconds', 'bursts', 'signals', 'late'],
): Promise<Record<string, number>> {
  let counts: Record<string, number> = {}
  for (const to of [
    ['--out', live],
    ['--clickhouse', database],
  ]) {
    const { code, stdout, stderr } = await tickloom(['parity', '--run', 'L', '--date', PARITY_DATE, '--lake', recorded, '--json', ...to, ...more])
    expect([code, stderr], `${to[0]}: ${stdout}`).toEqual([0, ''])
    const { equal, outputs } = JSON.parse(stdout) as { equal: boolean; outputs: { output: string; live: number; replay: number }[] }
    expect(equal).toBe(true)
    counts = Object.fromEntries(outputs.map(({ output, live: rows }) => [output, rows]))
    expect(Object.keys(counts)).toEqual(expected)
    for (const { output, live: rows, replay } of outputs) expect([rows > 0, replay], output).toEqual([true, rows])
  }
  return counts
}
