import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readMapping } from '../../connectors/archives/mapping.ts'
import { input, packedRows, packHere, scratch } from '../connectors/archives/packing.ts'

const data = resolve(fileURLToPath(new URL('../..', import.meta.url)), '../shared/data/nse-spot')
const there = existsSync(data)
if (!there) console.warn(`skipped: the recorded days are not at ${data}, and have no licence to be copied into the repository`)

describe.skipIf(!there)('two recorded days of NIFTY spot, packed', () => {
  it('have every line of the recording, as it is and in its order', async () => {
    const folder = scratch()
    const mapping = readMapping(input(folder, 'spot.yaml', 'header: false\ncolumns: { datetime: 1, price: 2 }\ninstrument: NIFTY\n'))
    const inputs = ['2022-11-10', '2022-11-11'].map((date) => join(data, `${date}.csv.gz`))
    const summary = await packHere(join(folder, 'lake'), inputs, { format: 'csv', mapping })
    expect(summary).toMatchObject({ rows: 23_608 + 23_582, reasons: { packed: 23_608 + 23_582 }, days: ['2022-11-10', '2022-11-11'], warnings: [] })
    const lines = inputs.flatMap((path) => gunzipSync(readFileSync(path)).toString().trimEnd().split(/\r?\n/))
    const packed = (await packedRows(join(folder, 'lake'))).map(({ time, price }) => `${time.slice(0, 19)},${price}`)
    expect(packed).toEqual(lines.map((line) => line.replace(/,(.*)$/, (_, price: string) => `,${Number(price)}`)))
  })
})
