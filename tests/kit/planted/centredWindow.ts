import { SECOND } from '../../../core/time.ts'
import { mean, planted } from './planted.ts'

/** Looks ahead: a mean over five seconds on either side, stamped with the middle one. */
export default planted('centred-window', (seen, row) => (seen.until <= seen.rows.col.ts[row] + 5 * SECOND ? undefined : mean(seen, row, 5, 5)))
