import Table from 'cli-table3'
import type { Params } from '../core/parameters.ts'
import type { Partition } from '../core/ports.ts'
import type { ReplaySummary } from './replayOptions.ts'
import { shownBytes, shownNumber } from './shown.ts'

export { shownBytes, shownNumber }

type Cell = string | number

/** Rows under a head, numbers to the right with their thousands apart. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const numeric = head.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'))
  const drawn = new Table({
    head: [...head],
    colAligns: numeric.map((right) => (right ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
  })
  for (const row of rows) drawn.push(row.map((cell) => (typeof cell === 'number' ? shownNumber(cell) : cell)))
  return drawn.toString()
}

/** Nanoseconds a row. */
function perRow(seconds: number, rows: number): string {
  return rows > 0 ? ((seconds * 1e9) / rows).toFixed(0) : ''
}

/** What a replay came to, for a person. */
export function summaryTables(s: ReplaySummary): string {
  const days = s.partitions.length
  const resumed = Object.keys(s.resumed).length
  const parts = [
    `run ${s.run} of ${s.topology}: ${shownNumber(s.rowsIn)} rows of ${days} partition${days === 1 ? '' : 's'} in ${s.seconds.toFixed(2)} s, ${shownNumber(Math.round(s.ticksPerSecond))} rows/s, ${shownBytes(s.peakMemory)} of memory${resumed > 0 ? `; ${resumed} resumed` : ''}`,
    table(['output', 'rows'], Object.entries(s.outputs)),
    table(['dropped or remarked by', 'reason', 'rows'], droppedRows(s.dropped)),
    table(
      ['step', 'rows in', 'rows out', 'seconds', 'ns a row', 'state'],
      [
        ['(waiting for the lake)', '', s.rowsIn, s.readSeconds.toFixed(3), perRow(s.readSeconds, s.rowsIn), ''],
        ...s.steps.map(({ id, rowsIn, rowsOut, micros, stateBytes }) => [
          id,
          rowsIn,
          rowsOut,
          (micros / 1e6).toFixed(3),
          perRow(micros / 1e6, rowsIn),
          shownBytes(stateBytes),
        ]),
      ],
    ),
  ]
  if (s.sinks.length > 0)
    parts.push(
      table(
        ['sink', 'rows', 'bytes', 'seconds'],
        s.sinks.map(({ name, rows, bytes, seconds }) => [name, rows, shownBytes(bytes), seconds.toFixed(3)]),
      ),
    )
  const places = [s.out && `Parquet in ${s.out}`, s.clickhouse && `ClickHouse in ${s.clickhouse}`].filter(Boolean)
  parts.push(places.length > 0 ? places.join('; ') : 'Nothing was written: name a place with --out or --clickhouse.')
  return parts.join('\n')
}

/** What a replay is going to read. */
export function planTables({ topology, parameters, partitions }: { topology: string; parameters: Params; partitions: readonly Partition[] }): string {
  const all = partitions.reduce<number | undefined>((sum, p) => (sum === undefined || p.rows === undefined ? undefined : sum + p.rows), 0)
  return [
    `${topology} with ${JSON.stringify(parameters)}`,
    table(
      ['partition', 'rows'],
      partitions.map((p) => [p.name, p.rows ?? '?']),
    ),
    `${partitions.length} partition${partitions.length === 1 ? '' : 's'}${all === undefined ? '' : `, ${shownNumber(all)} rows`}`,
  ].join('\n')
}

/** `step/reason` to a row each, those that never happened left out. */
export function droppedRows(dropped: Readonly<Record<string, number>>): [string, string, number][] {
  return Object.entries(dropped)
    .filter(([, n]) => n > 0)
    .map(([key, n]) => {
      const cut = key.lastIndexOf('/')
      return [key.slice(0, cut), key.slice(cut + 1), n]
    })
}
