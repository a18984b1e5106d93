import type { Figure, FigureCosts } from './trackerTerms.ts'

interface Costs {
  readonly measured: string
  readonly upTo: { readonly symbols: number; readonly updates: number }
  readonly figures: Readonly<Record<Figure, FigureCosts>>
}

/** Written by bench/fitTracker.ts, from the measurements in bench/trackerGrid.json: weights of the terms of cli/trackerTerms.ts. */
export const trackerCosts: Costs = {
  measured: '2026-11-21, 2 cores of an AMD EPYC (virtual), load 7, Node v24.21.0',
  upTo: { symbols: 2000, updates: 500 },
  figures: {
    memoryMb: { weights: [81.681, 0.778, 7.465], error: 0.000505, relative: false },
    cpuPercent: { weights: [2.1337, 1.5327, 4], error: 0.0549, relative: true },
    fileMb: { weights: [0.018, 0.21], error: 0.00404, relative: false },
    logMb: { weights: [0.2345, 0.957], error: 0.0308, relative: false },
    writtenGbPerDay: { weights: [3.532, 0.69132], error: 0.313, relative: true },
  },
}
