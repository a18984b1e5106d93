import { describe, expect, test } from 'vitest'
import { calendarMonth } from '../../cli/calendar.ts'
import { runHere } from '../kit/inProcess.ts'

const lines = async (...args: string[]) => (await runHere(['calendar', ...args])).stdout.split('\n')
const cells = (line: string | undefined) =>
  line
    ?.split('│')
    .slice(1, -1)
    .map((cell) => cell.trim())

/** The cells of one day. */
async function day(date: string, ...more: string[]): Promise<string[] | undefined> {
  return cells((await lines('--month', date.slice(0, 7), ...more)).find((line) => line.includes(`│ ${date}`)))
}

describe('a month as a table', () => {
  test.each([
    ['2026-11-08', ['2026-11-08 Sun', 'not known yet', 'Muhurat', '']],
    ['2026-11-09', ['2026-11-09 Mon', 'regular', '', 'weekly NIFTY (for 2026-11-10)']],
    ['2026-11-10', ['2026-11-10 Tue', 'closed', 'Diwali Balipratipada', '']],
    ['2026-11-23', ['2026-11-23 Mon', 'regular', '', 'monthly NIFTY BANKNIFTY FINNIFTY MIDCPNIFTY NIFTYNXT50 (for 2026-11-24)']],
    ['2025-10-21', ['2025-10-21 Tue', '13:45-14:45', 'Diwali Laxmi Pujan; Muhurat', '']],
    ['2021-02-24', ['2021-02-24 Wed', '09:15-11:40 15:45-17:00', 'outage', '']],
    ['2024-03-02', ['2024-03-02 Sat', '09:15-10:00 11:30-12:30', 'session on a weekend', '']],
    ['2024-01-25', ['2024-01-25 Thu', 'regular', '', 'monthly NIFTY BANKNIFTY']],
    ['2024-11-13', ['2024-11-13 Wed', 'regular', '', 'weekly BANKNIFTY']],
    ['2026-11-07', undefined],
  ])('%s: %j', async (date, expected) => expect(await day(date)).toEqual(expected))

  test('the expiries asked for', async () => {
    expect(await day('2024-01-25', '--symbol', 'BANKNIFTY')).toEqual(['2024-01-25 Thu', 'regular', '', 'monthly BANKNIFTY'])
  })

  test('regular hours, and the number of trading days, stand below', async () => {
    expect((await lines('--month', '2026-11')).slice(-3)).toEqual([
      'regular hours: equity 09:15-15:30, derivatives 09:15-15:40',
      '2026-11: 20 trading days',
      '',
    ])
  })

  test('a year whose holidays are not all known says so', async () => {
    expect((await lines('--month', '2028-01')).at(-2)).toBe('2028-01: 21 trading days; holidays of 2028 are not all known, so any weekday may be one')
  })
})

test('as JSON, every day of the month', async () => {
  const { stdout } = await runHere(['calendar', '--month', '2023-06', '--symbol', 'NIFTY', '--json'])
  const month = JSON.parse(stdout)
  expect(month).toEqual(JSON.parse(JSON.stringify(calendarMonth('2023-06', ['NIFTY']))))
  expect(month).toMatchObject({ month: '2023-06', whole: true, days: { length: 30 } })
  expect(month.days.slice(27, 29)).toEqual([
    {
      date: '2023-06-28',
      weekday: 'Wed',
      trading: true,
      equity: ['09:15-15:30'],
      derivatives: ['09:15-15:30'],
      session: 'regular',
      hoursUnknown: false,
      expiries: [{ symbol: 'NIFTY', kind: 'monthly', nominal: '2023-06-29' }],
    },
    {
      date: '2023-06-29',
      weekday: 'Thu',
      trading: false,
      equity: [],
      derivatives: [],
      session: 'closed',
      hoursUnknown: false,
      holiday: 'Bakri Id',
      expiries: [],
    },
  ])
})

test.each([
  [['--month', '2026-13'], 'It is a month such as 2026-11.'],
  [['--month', '2026-11', '--symbol', 'SENSEX'], 'there is no "SENSEX"; there are NIFTY, BANKNIFTY'],
])('%j ends with 2 and says why', async (args, reason) => {
  const { code, stderr } = await runHere(['calendar', ...args])
  expect([code, stderr.includes(reason)]).toEqual([2, true])
})
