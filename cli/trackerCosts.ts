import type { Figure, FigureCosts } from './trackerTerms.ts'

interface Costs {
  readonly measured: string
  readonly upTo: { readonly symbols: number; readonly updates: number }
  readonly figures: Readonly<Record<Figure, FigureCosts>>
}

/** Written by bench/fitTracker.ts, from the measurements in bench/trackerGrid.json: weights of the terms of cli/trackerTerms.ts. */
export const trackerCosts: Costs = {
  measured: '2026-11-21, 2 cores of AMD EPYC, shared with other work (load 3 to 9), Node v24.21.0',
  upTo: { symbols: 10000, updates: 5000 },
  figures: {
    memoryMb: { weights: [80.104, 3.0375, 0.71178], error: 2.97, relative: false },
    cpuPercent: { weights: [1.747, 1.146, 0.96339, 9.1348], error: 0.131, relative: true },
    fileMb: { weights: [0.0096397, 0.21601], error: 0.0774, relative: false },
    logMb: { weights: [1.3191, 0.1037], error: 1.03, relative: false },
    writtenGbPerDay: { weights: [9.4851, 0, 1.9437], error: 0.726, relative: true },
  },
}
