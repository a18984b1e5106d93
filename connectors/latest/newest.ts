import type { LatestTable, NewestRows } from '../../core/latestRows.ts'

/**
 * The time that ages are counted back from: that of the newest row, so that replays forget what live forgot; but never
 * one that is still to come, as a single row dated wrongly would have everything forgotten.
 */
export function newestTime({ rows }: NewestRows, { time }: LatestTable): number {
  const ts = rows.col[time.from] as Float64Array
  let newest = -Infinity
  for (let i = 0; i < rows.n; i++) if (ts[i] > newest) newest = ts[i]
  return Math.min(newest, Date.now() * 1000)
}
