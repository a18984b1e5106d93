import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { runHere } from '../kit/inProcess.ts'
import { marketLake } from '../kit/marketLake.ts'

const plants = join(import.meta.dirname, '..', 'kit', 'planted')
let lake: string
beforeAll(async () => {
  lake = await marketLake({ days: 1, strikes: 1, rate: 0.15 })
}, 60_000)

const search = async (topology: string, ...more: string[]) => {
  const { code, stdout, stderr } = await runHere(['lookahead', '--topology', topology, '--lake', lake, '--cuts', '4', '--quiet', '--json', ...more])
  return { code, report: JSON.parse(stdout), failure: stderr === '' ? undefined : JSON.parse(stderr) }
}

describe('lookahead finds what only later rows can tell, and names the row and the step', () => {
  it.each(['anchorUnion', 'nearestJoin', 'centredWindow'])('%s', async (plant) => {
    const { code, report, failure } = await search(join(plants, `${plant}.ts`))
    expect(code).toBe(1)
    expect(failure).toMatchObject({ error: { code: 'LOOK_AHEAD' } })
    expect(report.ahead).toMatchObject({ output: 'said', step: 'planted', known: 1, partition: '2025-01-06' })
    expect(report.ahead.whole).not.toEqual(report.ahead.truncated)
    // The row it shows is one that should have been known before the cut.
    const [row] = [...report.ahead.whole, ...report.ahead.truncated]
    expect(row.ts < report.ahead.cut).toBe(true)
  })
})

describe('lookahead passes what knows only the past', () => {
  it.each([...['anchorsSoFar', 'backwardJoin', 'trailingWindow'].map((name) => join(plants, `${name}.ts`)), 'volume-burst'])(
    '%s',
    async (topology) => {
      const { code, report } = await search(topology)
      expect({ code, cuts: report.cuts, ahead: report.ahead }).toEqual({ code: 0, cuts: 4, ahead: undefined })
    },
  )

  // Anchors every five minutes and positions of two, so that what it picks, enters and leaves lies around every cut.
  it('atm-volume-burst', async () => {
    const params = ['anchors.first=09:20', 'anchors.every=5', 'rollingBurst.baseline=60', 'rollingBurst.floor=1', 'hold=120', 'trend.filter=off']
    const given = params.flatMap((param) => ['--param', param])
    const { code, report } = await search('atm-volume-burst', ...given)
    expect({ code, cuts: report.cuts, ahead: report.ahead }).toEqual({ code: 0, cuts: 4, ahead: undefined })
    // It has something to say: entries and exits all day long.
    const replayed = await runHere(['replay', '--topology', 'atm-volume-burst', '--lake', lake, '--quiet', '--json', ...given])
    expect(JSON.parse(replayed.stdout).outputs.trades).toBeGreaterThan(20)
  })
})
