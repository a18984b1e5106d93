import { mean, planted } from './planted.ts'

/** Honest: a mean over the last eleven seconds. */
export default planted('trailing-window', (seen, row) => (seen.until <= seen.rows.col.ts[row] ? undefined : mean(seen, row, 10, 0)))
