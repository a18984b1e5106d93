import type { Figure, FigureCosts } from './trackerTerms.ts'

interface Costs {
  readonly measured: string
  readonly upTo: { readonly symbols: number; readonly updates: number }
  readonly figures: Readonly<Record<Figure, FigureCosts>>
}

/** Written by bench/fitTracker.ts, from the measurements in bench/trackerGrid.json: weights of the terms of cli/trackerTerms.ts. */
export const trackerCosts: Costs = {
  measured: '2026-11-21, 2 cores of AMD EPYC, load 1.3, Node v24.21.0',
  upTo: { symbols: 10000, updates: 5000 },
  figures: {
    memoryMb: { weights: [84.128, 3.065, 0.82308], error: 2.52, relative: false },
    cpuPercent: { weights: [1.2364, 0.37675, 0.61235, 10.621], error: 0.309, relative: true },
    fileMb: { weights: [0.020232, 0.21431], error: 0.071, relative: false },
    logMb: { weights: [1.714, 0.059475], error: 1.22, relative: false },
    writtenGbPerDay: { weights: [1.0627, 0.96415, 0.91273], error: 0.344, relative: true },
  },
}
