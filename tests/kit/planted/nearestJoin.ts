import { SECOND } from '../../../core/time.ts'
import { planted, spotAt } from './planted.ts'

/** Looks ahead: takes the spot's nearest price, which may be a later one. */
export default planted('nearest-join', (seen, row) => (seen.until < seen.rows.col.ts[row] + 20 * SECOND ? undefined : spotAt(seen, row, Math.abs)))
