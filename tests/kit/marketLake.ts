import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tickloom } from './commandLine.ts'

export interface MarketOptions {
  readonly days?: number
  readonly strikes?: number
  /** Ticks of an instrument a second. */
  readonly rate?: number
  readonly seed?: number
  readonly order?: 'time' | 'arrival'
}

/** A synthetic lake in a temporary folder, made by `tickloom synth` as a user makes one. */
export async function marketLake({ days = 1, strikes = 4, rate = 0.2, seed = 7, order = 'time' }: MarketOptions = {}): Promise<string> {
  const lake = join(mkdtempSync(join(tmpdir(), 'lake-')), 'lake')
  const { code, stderr } = await tickloom([
    'synth',
    '--out',
    lake,
    '--days',
    `${days}`,
    '--strikes',
    `${strikes}`,
    '--rate',
    `${rate}`,
    '--seed',
    `${seed}`,
    '--order',
    order,
    '--from',
    '2025-01-06',
  ])
  if (code !== 0) throw new Error(`tickloom synth ended with ${code}: ${stderr}`)
  return lake
}
