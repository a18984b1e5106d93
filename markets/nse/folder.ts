import { existsSync } from 'node:fs'
import { join } from 'node:path'

// The published package holds the tables in markets/ beside the built code; a checkout that was built has them in both.
const beside = existsSync(join(import.meta.dirname, 'sessions.csv'))

/** Where the tables of the NSE are. */
export const nseFolder: string = beside ? import.meta.dirname : join(import.meta.dirname, '../../../markets/nse')
