import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import atmVolumeBurst from '../../topologies/atm-volume-burst/graph.ts'
import { runParityDay } from './liveDayRun.ts'
import { expectParity } from './liveParity.ts'

/** Expects the trades of these parts of a day, traded live and quickly by a strategy that trades often, to be those of its replay. */
export async function expectTradesParity(parts: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tickloom-trades-'))
  try {
    const places = await runParityDay({
      folder,
      topology: 'atm-volume-burst',
      params: [
        ...['anchors.first=09:18', 'anchors.every=3', 'trend.filter=off', 'hold=60'],
        ...['rollingBurst.window=5', 'rollingBurst.baseline=60', 'rollingBurst.floor=75'],
      ],
      speed: 'max',
      parts,
      blocks: '7',
    })
    const whole = `${parts[0].split('..')[0]}..${parts.at(-1)?.split('..')[1]}`
    await expectParity(places, ['--time', whole], Object.keys(atmVolumeBurst.outputs))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
