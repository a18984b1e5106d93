import { CommanderError } from 'commander'
import { describe, expect, test } from 'vitest'
import { describeFailure, exitCodeOf } from '../../cli/fail.ts'
import { TickloomError } from '../../core/errors.ts'

const missing = new TickloomError('LAKE_MISSING', 'there is no lake at ./x', { option: '--lake', rows: 3 })
const plain = { json: false, verbose: false }

describe('exitCodeOf', () => {
  test.each([
    ['the user', missing, 2],
    ['a system outside', new TickloomError('DISK_FULL', 'no space'), 1],
    ['this code', new TickloomError('STEP_FAILED', 'broke'), 1],
    ['an interruption', new TickloomError('INTERRUPTED', 'stopped'), 130],
    ['wrong usage', new CommanderError(1, 'commander.unknownOption', 'error: unknown option'), 2],
    ['help', new CommanderError(0, 'commander.helpDisplayed', '(help)'), 0],
    ['anything else', new TypeError('x is undefined'), 1],
    ['not even an error', 'text', 1],
  ])('%s', (_, thrown, code) => {
    expect(exitCodeOf(thrown)).toBe(code)
  })
})

describe('describeFailure', () => {
  test('says what happened, where, what to do next, and the code', () => {
    expect(describeFailure(missing, plain)).toBe(`tickloom: there is no lake at ./x
  where  option --lake, rows 3
  next   Check the path of --lake; \`tickloom synth --out DIR\` makes a lake to try.
  code   LAKE_MISSING`)
  })

  test('adds the causes it does not itself repeat', () => {
    const inner = new Error('ECONNREFUSED 127.0.0.1:8123')
    const text = describeFailure(
      new TickloomError('CLICKHOUSE_REFUSED', 'the server is away', {}, new Error('fetch failed', { cause: inner })),
      plain,
    )
    expect(text).toContain('  cause  fetch failed\n  cause  ECONNREFUSED 127.0.0.1:8123\n')
    expect(describeFailure(new TickloomError('STEP_FAILED', 'step "a" failed: oops', {}, new Error('oops')), plain)).not.toContain('  cause  ')
  })

  test('in JSON', () => {
    expect(JSON.parse(describeFailure(missing, { json: true, verbose: false }))).toEqual({
      error: {
        code: 'LAKE_MISSING',
        message: 'there is no lake at ./x',
        at: { option: '--lake', rows: 3 },
        causes: [],
        next: 'Check the path of --lake; `tickloom synth --out DIR` makes a lake to try.',
        retry: false,
      },
    })
  })

  test('shows the stack of what nobody foresaw under --verbose only', () => {
    const bug = new TypeError('x is undefined')
    expect(describeFailure(bug, plain)).not.toContain('fail.test.ts')
    expect(describeFailure(bug, plain)).toContain('code   UNEXPECTED')
    expect(describeFailure(bug, { json: false, verbose: true })).toContain('fail.test.ts')
  })
})
