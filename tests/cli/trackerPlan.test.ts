import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { fitted } from '../../bench/leastSquares.ts'
import { costsOf, loadOf, type Measurements, measuredAs } from '../../bench/trackerFit.ts'
import { trackerCosts } from '../../cli/trackerCosts.ts'
import { trackerPlan } from '../../cli/trackerPlan.ts'
import type { Figure } from '../../cli/trackerTerms.ts'
import { tickloom } from '../kit/commandLine.ts'

const measurements = JSON.parse(readFileSync(new URL('../../bench/trackerGrid.json', import.meta.url), 'utf8')) as Measurements

test('least squares find the weights of sums that have no noise, and leave out what would be negative', () => {
  const terms = [0, 1, 2, 5, 9].map((x) => [1, x, x * x])
  const ones = terms.map(() => 1)
  const exact = fitted(
    terms,
    terms.map(([a, b, c]) => 3 * a + 0.5 * b + 2 * c),
    ones,
  )
  for (const [i, weight] of [3, 0.5, 2].entries()) expect(exact[i]).toBeCloseTo(weight, 9)
  const falling = fitted(
    terms,
    terms.map(([, x]) => 10 - x),
    ones,
  )
  expect(falling.every((weight) => weight >= 0)).toBe(true)
  expect(falling.slice(1)).toEqual([0, 0])
})

describe('the plan', () => {
  it('has the weights that the committed measurements give', () => {
    expect(costsOf(measurements)).toEqual(trackerCosts)
  })

  it.each(measurements.points)('covers what was measured: $profile, $symbols symbols at $updates updates a second', (point) => {
    const plan = trackerPlan(loadOf(point))
    const outside = (Object.keys(measuredAs) as Figure[]).filter((figure) => {
      const { value, error } = plan[figure]
      return Math.abs(measuredAs[figure].of(point) - value) > error
    })
    expect(outside).toEqual([])
  })

  it('asks for no less where there is more to do', () => {
    const [less, more] = [500, 5000].map((updates) => trackerPlan({ symbols: 2000, updates, batchTimeout: 2 }))
    expect(more.cpuPercent.value).toBeGreaterThan(less.cpuPercent.value)
    expect(trackerPlan({ symbols: 10_000, updates: 500, batchTimeout: 2 }).memoryMb.value).toBeGreaterThan(less.memoryMb.value)
    expect(trackerPlan({ symbols: 2000, updates: 500, batchTimeout: 1 }).writtenGbPerDay.value).toBeGreaterThan(less.writtenGbPerDay.value)
  })
})

describe('tickloom tracker plan', () => {
  const asked = ['tracker', 'plan', '--symbols', '2000', '--updates', '500', '--json']

  it('answers in JSON for a profile, or for a batch timeout of its own', async () => {
    const minimal = JSON.parse((await tickloom([...asked, '--profile', 'minimal'])).stdout)
    expect(minimal).toMatchObject({ profile: 'minimal', symbols: 2000, updates: 500, batchTimeout: 5, warnings: [] })
    expect(minimal.memoryMb).toEqual(trackerPlan({ symbols: 2000, updates: 500, batchTimeout: 5 }).memoryMb)
    expect(JSON.parse((await tickloom([...asked, '--batch-timeout', '10'])).stdout).batchTimeout).toBe(10)
  })

  it('says where a queue is too short, and what it wants', async () => {
    const long = await tickloom(['tracker', 'plan', '--symbols', '9000', '--updates', '500', '--profile', 'minimal'])
    expect(long.stdout).toContain('--max-queue-size is 2000: quotes of 7000 symbols could be dropped')
    expect(await tickloom(['tracker', 'plan', '--symbols', '9000'])).toMatchObject({ code: 2, stdout: '' })
    expect(await tickloom(['tracker', '--updates', '9000'])).toMatchObject({ code: 2, stdout: '' })
    expect(await tickloom(['tracker', 'plane'])).toMatchObject({ code: 2, stdout: '' })
  })
})
