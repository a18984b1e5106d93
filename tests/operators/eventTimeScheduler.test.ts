import { debounceTime, interval, Subject, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { DAY, HOUR, SECOND } from '../../core/time.ts'
import { EventTimeScheduler } from '../../operators/eventTimeScheduler.ts'
import { at } from '../kit/table.ts'

const OPEN = at('09:15:00')

describe('the event-time scheduler', () => {
  it('fires timers in the order of the times they are due at, those of one time as they were set', () => {
    const scheduler = new EventTimeScheduler(OPEN)
    const fired: [string, number][] = []
    const set = (name: string, delay: number) => scheduler.schedule(() => fired.push([name, scheduler.micros - OPEN]), delay)
    set('c', 3)
    set('a', 1)
    set('b1', 2)
    set('b2', 2)
    set('now', 0)
    scheduler.advance(OPEN + 10_000)
    expect(fired).toEqual([
      ['now', 0],
      ['a', 1000],
      ['b1', 2000],
      ['b2', 2000],
      ['c', 3000],
    ])
    expect(scheduler.now()).toBe(OPEN / 1000 + 10)
  })

  it('fires what is due at the time given, and nothing after it', () => {
    const scheduler = new EventTimeScheduler(OPEN)
    const fired: number[] = []
    for (const delay of [999.999, 1000, 1000.001]) scheduler.schedule(() => fired.push(delay), delay)
    scheduler.advance(OPEN + SECOND)
    expect(fired).toEqual([999.999, 1000])
  })

  it('fires a timer that a timer sets, if it is due too', () => {
    const scheduler = new EventTimeScheduler(OPEN)
    const fired: number[] = []
    timer(1000, 500, scheduler).subscribe((n) => fired.push(n))
    scheduler.advance(OPEN + 2 * SECOND)
    expect(fired).toEqual([0, 1, 2])
  })

  it('stands still for a time gone by and for one that is not finite', () => {
    const scheduler = new EventTimeScheduler(OPEN)
    const fired: number[] = []
    interval(1, scheduler).subscribe((n) => fired.push(n))
    for (const to of [OPEN - DAY, -Infinity, Number.NaN, Infinity]) scheduler.advance(to)
    expect([fired, scheduler.micros]).toEqual([[], OPEN])
  })

  it('forgets a timer that is unsubscribed, also by one of the same instant', () => {
    const scheduler = new EventTimeScheduler(OPEN)
    const fired: string[] = []
    const victims: { unsubscribe(): void }[] = []
    scheduler.schedule(() => victims[0].unsubscribe(), 1)
    victims.push(scheduler.schedule(() => fired.push('victim'), 1))
    scheduler.advance(OPEN + SECOND)
    expect(fired).toEqual([])
  })

  it('hands on what a timer throws', () => {
    const scheduler = new EventTimeScheduler(OPEN)
    scheduler.schedule(() => {
      throw new Error('no')
    }, 1)
    expect(() => scheduler.advance(OPEN + SECOND)).toThrow('no')
  })

  it('never fires what is due at no time', () => {
    const scheduler = new EventTimeScheduler(OPEN)
    const fired: string[] = []
    scheduler.schedule(() => fired.push('never'), Infinity)
    scheduler.advance(OPEN + DAY)
    expect(fired).toEqual([])
  })

  it('takes an interval over a night in little time', () => {
    const scheduler = new EventTimeScheduler(OPEN)
    let count = 0
    interval(100, scheduler).subscribe(() => count++)
    const before = process.cpuUsage()
    scheduler.advance(OPEN + 18 * HOUR)
    expect(count).toBe(18 * 3600 * 10)
    const { user, system } = process.cpuUsage(before)
    // Seconds; a quarter of one on a quiet machine.
    expect((user + system) / 1e6).toBeLessThan(10)
  })

  it('refuses a period of 0 instead of hanging', () => {
    const scheduler = new EventTimeScheduler(OPEN)
    interval(0, scheduler).subscribe()
    expect(() => scheduler.advance(OPEN + SECOND)).toThrow('a period of 0 never ends')
  })

  it('debounces to the microsecond, at times that milliseconds cannot hold', () => {
    const fired: number[] = []
    for (let micros = 0; micros < 1000; micros++) {
      const scheduler = new EventTimeScheduler(OPEN + micros)
      const rows = new Subject<number>()
      rows.pipe(debounceTime(2, scheduler)).subscribe(() => fired.push(scheduler.micros - OPEN - micros))
      rows.next(0)
      scheduler.advance(OPEN + micros + 777)
      rows.next(1)
      scheduler.advance(OPEN + SECOND)
    }
    expect(new Set(fired)).toEqual(new Set([2777]))
  })
})
