import type { Figure, FigureCosts } from './trackerTerms.ts'

interface Costs {
  readonly measured: string
  readonly upTo: { readonly symbols: number; readonly updates: number }
  readonly figures: Readonly<Record<Figure, FigureCosts>>
}

/** Written by bench/fitTracker.ts, from the measurements in bench/trackerGrid.json: weights of the terms of cli/trackerTerms.ts. */
export const trackerCosts: Costs = {
  measured: '2026-11-21, 2 cores of AMD EPYC, load 6.0, Node v24.21.0',
  upTo: { symbols: 10000, updates: 5000 },
  figures: {
    memoryMb: { weights: [79.968, 2.6385, 1.2602], error: 4.12, relative: false },
    cpuPercent: { weights: [1.8154, 0.97084, 2.0385], error: 0.653, relative: true },
    fileMb: { weights: [0.042178, 0.19723], error: 0.33, relative: false },
    logMb: { weights: [1.326, 0.099746], error: 1.04, relative: false },
    writtenGbPerDay: { weights: [3.0021, 0.69061], error: 1.64, relative: true },
  },
}
