import { z } from 'zod'
import { Quote } from '../../core/market.ts'
import { topology } from '../../core/topology.ts'
import { journal } from '../../operators/journal.ts'

/** Everything a log brings, in the order it comes, heartbeats as rows; README.md beside this file says what for. */
export default topology({
  name: 'record',
  version: 1,
  memory: 'everything',
  params: z.object({}),
  inputs: { ticks: Quote },
  outputs: { ticks: Quote },

  wire({ ticks }, at) {
    return { ticks: ticks.pipe(journal(at('journal'), { schema: Quote })) }
  },
})
