import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { catalogue, type ErrorCode, messageOf, TickloomError } from '../../core/errors.ts'

const codes = Object.keys(catalogue) as ErrorCode[]

test('docs/errors.md has the table of the catalogue, row for row', () => {
  const rows = codes.map(
    (code) => `| ${code} | ${catalogue[code].fault} | ${catalogue[code].retry ? 'yes' : 'no'} | ${catalogue[code].next.replaceAll('|', '\\|')} |`,
  )
  const written = readFileSync('docs/errors.md', 'utf8')
    .split('\n')
    .filter((line) => /^\| [A-Z_]{3,} \|/.test(line))
  expect(written).toEqual(rows)
})

test.each(codes)('%s says what to do next, in a sentence', (code) => expect(catalogue[code].next).toMatch(/^[A-Z`].*\.$/))

test('an error carries its row of the catalogue, what it is about, and its cause', () => {
  const cause = new Error('no space left')
  const error = new TickloomError('DISK_FULL', 'cannot write part-1', { path: 'part-1' }, cause)
  expect({ ...error, message: error.message, fault: error.fault, retry: error.retry, next: error.next, cause: error.cause }).toMatchObject({
    name: 'TickloomError',
    code: 'DISK_FULL',
    message: 'cannot write part-1',
    at: { path: 'part-1' },
    cause,
    ...catalogue.DISK_FULL,
  })
  expect('cause' in new TickloomError('DISK_FULL', 'full')).toBe(false)
})

test('the message of anything thrown is one line', () => {
  expect([new Error('a\n  b'), 'c \n\n d', 7, undefined].map(messageOf)).toEqual(['a b', 'c d', '7', 'undefined'])
})
