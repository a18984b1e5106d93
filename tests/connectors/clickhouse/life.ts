import { clickhouseDestination } from '../../../connectors/clickhouse/sink.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Second } from '../../../core/market.ts'
import { contractRows } from '../../kit/contractRows.ts'

// A process that writes epochs until it is killed, or until the last: argv = directory, last epoch.
const [directory, last] = process.argv.slice(2)
const instruments = new Instruments()
const to = clickhouseDestination({ target: directory })
const sink = await to.open({ topology: 't', run: 'r', partition: 'p', outputs: { seconds: Second }, instruments, committed: undefined })
console.log('open')
for (let epoch = 1; epoch <= Number(last); epoch++) {
  sink.write('seconds', contractRows(Second, instruments, 20_000, epoch))
  await sink.flush(epoch)
  console.log(`epoch ${epoch}`)
}
await to.close()
console.log('done')
process.exit(0)
