import { HOUR } from '../../../core/time.ts'
import { planted, tradedAtAnchors } from './planted.ts'

/** Looks ahead: counts the anchors of the whole day at which a contract trades, from the morning on. */
export default planted('anchor-union', (seen, row) =>
  seen.until < seen.rows.col.ts[0] + 8 * HOUR ? undefined : tradedAtAnchors(seen, row, () => true),
)
