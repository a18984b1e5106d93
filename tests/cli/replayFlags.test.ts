import { describe, expect, test } from 'vitest'
import { optionsOf, type ReplayFlags, replayVerb } from '../../cli/replay.ts'
import { tickloom } from '../kit/commandLine.ts'

/** The flags as commander reads them, without running the verb. */
function flagsOf(line: string): ReplayFlags {
  const command = replayVerb()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
  command.action(() => undefined)
  command.parse(
    line.split(' ').filter((word) => word !== ''),
    { from: 'user' },
  )
  return command.opts()
}

const least = '--topology volume-burst --lake ./lake'

describe('replay flags', () => {
  test('the least there can be', () => {
    expect(optionsOf(flagsOf(least))).toEqual({
      topology: 'volume-burst',
      lake: './lake',
      params: [],
      workers: 1,
      resume: false,
      epoch: 3_600_000_000,
      prune: true,
    })
  })

  test('all of them', () => {
    const line = `${least} --from 2025-01-06 --to 2025-01-10 --time 09:15..10:00 --symbols NIFTY,BANKNIFTY --strikes 23000..25000 --param a=1 --param b.c=x=y
      --preset j1 --out o --outputs signals --clickhouse db --database d --run r --workers 2 --resume --epoch 10s --reader duckdb --quiet --metrics 9464`
    expect(optionsOf(flagsOf(line.replace(/\s+/g, ' ')))).toEqual({
      topology: 'volume-burst',
      lake: './lake',
      from: '2025-01-06',
      to: '2025-01-10',
      timeFrom: '09:15',
      timeTo: '10:00',
      symbols: ['NIFTY', 'BANKNIFTY'],
      strikes: { min: 23000, max: 25000 },
      params: ['a=1', 'b.c=x=y'],
      preset: 'j1',
      out: 'o',
      outputs: ['signals'],
      clickhouse: 'db',
      database: 'd',
      run: 'r',
      workers: 2,
      resume: true,
      epoch: 10_000_000,
      reader: 'duckdb',
      prune: true,
    })
  })

  test.each([
    ['--from 2025-01-10 --to 2025-01-06', /lies before --from/],
    ['--resume', /nothing to resume/],
    ['--database d', /--database needs --clickhouse/],
    ['--from 06-01-2025', /YYYY-MM-DD/],
    ['--workers 0', /above 0/],
    ['--epoch 10', /length of time/],
    ['--reader quick', /choices are auto, direct, native, duckdb/],
    ['--metrics 70000', /port up to 65535/],
    ['--strikes high', /above 0/],
    ['--tim 09:15..10:00', /Did you mean --time/],
  ])('%s', (line, said) => {
    expect(() => optionsOf(flagsOf(`${least} ${line}`))).toThrow(said)
  })
})

describe('as a process', () => {
  test.each([
    [['replay'], 2, "required option '--topology <name|file>' not specified"],
    [['replay', '--topology', 'volume-burst', '--lake', 'x', '--resume'], 2, 'nothing to resume'],
    [['rplay'], 2, 'Did you mean replay?'],
    [['graph', '--topology', 'volume-burst', '--format', 'png'], 2, 'Allowed choices are mermaid, dot, json'],
  ])('%j ends with %d', async (args, code, said) => {
    const answer = await tickloom(args)
    expect(answer).toMatchObject({ code, stdout: '' })
    expect(answer.stderr).toContain(said)
    expect(answer.stderr).toContain('code   OPTION_INVALID')
  })

  test('with --json a failure is JSON too', async () => {
    const { stdout, stderr } = await tickloom(['replay', '--json'])
    expect([stdout, JSON.parse(stderr).error.code]).toEqual(['', 'OPTION_INVALID'])
  })

  test.each([['--help'], ['--version'], ['replay', '--help']])('%j is an answer', async (...args) => {
    const { code, stdout, stderr } = await tickloom(args)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).not.toBe('')
  })
})
