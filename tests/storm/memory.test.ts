import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, it } from 'vitest'
import type { ReplaySummary } from '../../cli/replayOptions.ts'
import { tickloom } from '../kit/commandLine.ts'
import { marketLake } from '../kit/marketLake.ts'

/** Peak resident size of a replay of so many days, bytes; the largest of so many replays, for when garbage is collected is chance. */
async function peakOf(days: number, replays: number): Promise<number> {
  const lake = await marketLake({ days, strikes: 20, rate: 0.5 })
  try {
    let peak = 0
    for (let i = 0; i < replays; i++) {
      const { code, stdout, stderr } = await tickloom(['replay', '--topology', 'volume-burst', '--lake', lake, '--json', '--workers', '1'])
      expect(code, stderr).toBe(0)
      peak = Math.max(peak, (JSON.parse(stdout) as ReplaySummary).peakMemory)
    }
    return peak
  } finally {
    rmSync(dirname(lake), { recursive: true, force: true })
  }
}

it('50 days peak within 10 % of 5 days of the same size', async () => {
  const [five, fifty] = [await peakOf(5, 3), await peakOf(50, 1)]
  process.stderr.write(`peak memory: 5 days ${Math.round(five / 1e6)} MB, 50 days ${Math.round(fifty / 1e6)} MB\n`)
  expect(fifty).toBeLessThan(five * 1.1)
}, 900_000)
