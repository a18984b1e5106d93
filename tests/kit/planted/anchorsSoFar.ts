import { planted, tradedAtAnchors } from './planted.ts'

/** Honest: counts the anchors there were. */
export default planted('anchors-so-far', (seen, row) =>
  seen.until <= seen.rows.col.ts[row] ? undefined : tradedAtAnchors(seen, row, (ts) => ts <= seen.rows.col.ts[row]),
)
