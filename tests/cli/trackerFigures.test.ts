import { expect, test } from 'vitest'
import { ours } from '../../bench/trackerCandidates.ts'
import { measure } from '../../bench/trackerRun.ts'
import { main } from '../kit/commandLine.ts'

// The short form of `npm run bench:tracker`, which runs a build: sources take another 17 MB for the TypeScript that is
// stripped from them. CPU says nothing on a machine that runs other tests meanwhile, so only what is far too much is wrong.
const STRIPPING = 20

test('2,000 symbols at 500 updates a second, everything on, stay in little memory and a small file, and a SIGKILL loses nothing old', async () => {
  const figures = await measure(ours('minimal', main), { symbols: 2000, updates: 500, seconds: 18, commit: 3 })
  expect(figures.sent).toBeGreaterThan(8000)
  expect(figures.skipped).toBe(0)
  expect(figures.rows).toBe(2000)
  expect(figures.lost).toBe(0)
  expect(figures.rss).toBeLessThan(95 + STRIPPING)
  expect(figures.cpu).toBeLessThan(20)
  expect(figures.checkpointedMb).toBeLessThan(2)
  expect(figures.fileMb).toBeLessThan(8)
  expect(figures.posts).toBeGreaterThan(0)
}, 120_000)
