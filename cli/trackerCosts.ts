import type { Figure, FigureCosts } from './trackerTerms.ts'

interface Costs {
  readonly measured: string
  readonly upTo: { readonly symbols: number; readonly updates: number }
  readonly figures: Readonly<Record<Figure, FigureCosts>>
}

/** Written by bench/fitTracker.ts, from the measurements in bench/trackerGrid.json: weights of the terms of cli/trackerTerms.ts. */
export const trackerCosts: Costs = {
  measured: '2026-11-21, 2 cores of AMD EPYC, load 0.1, Node v24.21.0',
  upTo: { symbols: 10000, updates: 5000 },
  figures: {
    memoryMb: { weights: [83.298, 2.7277, 1.3794], error: 4.63, relative: false },
    cpuPercent: { weights: [1.6397, 0.48314, 0.69125, 9.4492], error: 0.361, relative: true },
    fileMb: { weights: [0.055905, 0.1928], error: 0.436, relative: false },
    logMb: { weights: [1.2298, 0.13804], error: 1.05, relative: false },
    writtenGbPerDay: { weights: [8.0974, 0.12728, 1.2872], error: 1.32, relative: true },
  },
}
