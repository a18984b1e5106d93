import { type Figure, type FigureCosts, predictedBy, terms } from '../cli/trackerTerms.ts'
import { fitted } from './leastSquares.ts'
import { batchTimeouts } from './trackerCandidates.ts'
import type { GridPoint } from './trackerGrid.ts'

/** What bench/trackerGrid.json holds. */
export interface Measurements {
  readonly date: string
  readonly machine: string
  readonly seconds: number
  readonly points: readonly GridPoint[]
}

export interface TrackerCosts {
  readonly measured: string
  /** The largest loads that were measured. */
  readonly upTo: { readonly symbols: number; readonly updates: number }
  readonly figures: Readonly<Record<Figure, FigureCosts>>
}

/** How each figure is measured, and whether its error is a share of it. */
export const measuredAs: Readonly<Record<Figure, { readonly relative: boolean; of(point: GridPoint): number }>> = {
  memoryMb: { relative: false, of: ({ rss }) => rss },
  cpuPercent: { relative: true, of: ({ cpu }) => cpu },
  fileMb: { relative: false, of: ({ fileMb }) => fileMb },
  logMb: { relative: false, of: ({ logMb }) => logMb },
  writtenGbPerDay: { relative: true, of: ({ writtenGbPerDay }) => writtenGbPerDay },
}

export const loadOf = ({ symbols, updates, profile }: GridPoint) => ({ symbols, updates, batchTimeout: batchTimeouts[profile] })

/** Fits every figure to the points; errors are the largest there is, a hundredth more. */
export function costsOf({ date, machine, points }: Measurements): TrackerCosts {
  const costs = (figure: Figure): FigureCosts => {
    const { relative, of } = measuredAs[figure]
    const rows = points.map((point) => terms[figure](loadOf(point)))
    const values = points.map(of)
    const weights = fitted(
      rows,
      values,
      values.map((value) => (relative ? 1 / value : 1)),
    ).map((weight) => Number(weight.toPrecision(5)))
    const off = rows.map((row, p) => {
      const { value } = predictedBy({ weights, error: 0, relative }, row)
      return Math.abs(value - values[p]) / (relative ? value : 1)
    })
    return { weights, error: Number((Math.max(...off) * 1.01).toPrecision(3)), relative }
  }
  const most = (of: (point: GridPoint) => number): number => Math.max(...points.map(of))
  return {
    measured: `${date}, ${machine}`,
    upTo: { symbols: most(({ symbols }) => symbols), updates: most(({ updates }) => updates) },
    figures: {
      memoryMb: costs('memoryMb'),
      cpuPercent: costs('cpuPercent'),
      fileMb: costs('fileMb'),
      logMb: costs('logMb'),
      writtenGbPerDay: costs('writtenGbPerDay'),
    },
  }
}

export function sourceOf(costs: TrackerCosts): string {
  const file = 'trackerTerms.ts'
  return `import type { Figure, FigureCosts } from './${file}'

interface Costs {
  readonly measured: string
  readonly upTo: { readonly symbols: number; readonly updates: number }
  readonly figures: Readonly<Record<Figure, FigureCosts>>
}

/** Written by bench/fitTracker.ts, from the measurements in bench/trackerGrid.json: weights of the terms of cli/trackerTerms.ts. */
export const trackerCosts: Costs = ${JSON.stringify(costs)}
`
}
