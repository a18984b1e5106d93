import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, it } from 'vitest'
import type { ReplaySummary } from '../../cli/replayOptions.ts'
import { tickloom } from '../kit/commandLine.ts'
import { marketLake } from '../kit/marketLake.ts'

const REPLAYS = 3

/** Peak resident sizes of replays of so many days, bytes, in their order: when garbage is collected is chance, and later where others have the cores. */
async function peaksOf(days: number): Promise<number[]> {
  const lake = await marketLake({ days, strikes: 20, rate: 0.5 })
  try {
    const peaks: number[] = []
    for (let i = 0; i < REPLAYS; i++) {
      const { code, stdout, stderr } = await tickloom(['replay', '--topology', 'volume-burst', '--lake', lake, '--json', '--workers', '1'])
      expect(code, stderr).toBe(0)
      peaks.push((JSON.parse(stdout) as ReplaySummary).peakMemory)
    }
    return peaks.sort((a, b) => a - b)
  } finally {
    rmSync(dirname(lake), { recursive: true, force: true })
  }
}

it('50 days peak within 10 % of 5 days of the same size', async () => {
  const [five, fifty] = [await peaksOf(5), await peaksOf(50)]
  const shown = (peaks: readonly number[]): string => peaks.map((peak) => Math.round(peak / 1e6)).join(', ')
  process.stderr.write(`peak memory: 5 days ${shown(five)} MB, 50 days ${shown(fifty)} MB\n`)
  const median = (REPLAYS - 1) / 2
  expect(fifty[median]).toBeLessThan(five[median] * 1.1)
}, 900_000)
