import { planted, spotAt } from './planted.ts'

/** Honest: takes the spot's last price. */
export default planted('backward-join', (seen, row) =>
  seen.until <= seen.rows.col.ts[row] ? undefined : spotAt(seen, row, (ahead) => (ahead > 0 ? Infinity : -ahead)),
)
