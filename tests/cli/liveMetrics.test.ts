import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Duplex } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerOf, main } from '../kit/commandLine.ts'
import { marketLake } from '../kit/marketLake.ts'

let lake: string
beforeAll(async () => {
  lake = await marketLake({ days: 2, strikes: 4, rate: 1, order: 'arrival' })
}, 120_000)
afterAll(() => rmSync(dirname(lake), { recursive: true, force: true }))

/**
 * Once its server listens, the replay asks before every turn of its loop whether it may: a replay in one process has few of
 * them, and however long a scraper is kept from asking by a machine that stalls, it waits.
 */
const inStep = `
import { readSync, writeSync } from 'node:fs'
import { Server } from 'node:http'
import { isMainThread } from 'node:worker_threads'
const { listen } = Server.prototype
const step = () => {
  writeSync(3, '?')
  readSync(3, Buffer.alloc(1))
  setImmediate(step).unref()
}
if (isMainThread && process.argv[2] === 'replay' && process.argv.at(-1) === '1')
  Server.prototype.listen = function (...args) {
    this.once('listening', () => setImmediate(step))
    return listen.apply(this, args)
  }`

/** What a scraper sees of each metric while the replay runs, in the order seen; equal values once. */
async function scraped(args: readonly string[]): Promise<Map<string, number[]>> {
  const replay = ['replay', '--topology', 'volume-burst', '--lake', lake, '--metrics', '0', ...args]
  const child = spawn(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(inStep)}`, main, ...replay], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const door = child.stdio[3] as Duplex
  // It may end before it is told.
  door.on('error', () => {}).on('data', () => setTimeout(() => door.write('!'), 2))
  const url = new Promise<string>((resolve) => {
    let text = ''
    child.stderr?.on('data', (chunk) => {
      text += chunk
      const found = /metrics at (\S+)\n/.exec(text)
      if (found) resolve(found[1])
    })
  })
  let running = true
  const answer = answerOf(child).finally(() => {
    running = false
  })
  const seen = new Map<string, number[]>()
  const at = await Promise.race([url, answer.then(({ stderr }) => Promise.reject(new Error(`it ended before it served: ${stderr}`)))])
  while (running) {
    // The server goes when the replay ends, and may do so while it is asked.
    const text = await fetch(at).then(
      (response) => response.text(),
      () => '',
    )
    for (const [, name, labels, value] of text.matchAll(/^(tickloom_\w+)\{(.*)\} (\S+)$/gm)) {
      const key = `${name} ${labels.replace(/,?topology=.*$/, '')}`.trim()
      const values = seen.get(key) ?? []
      if (values.at(-1) !== Number(value)) seen.set(key, [...values, Number(value)])
    }
  }
  const { code, stderr } = await answer
  expect(code, stderr).toBe(0)
  return seen
}

test.each(['1', '2'])(
  'metrics move while a replay with %s worker(s) runs',
  async (workers) => {
    const seen = await scraped(['--epoch', '5m', '--out', join(dirname(lake), `out-${workers}`), '--workers', workers])
    const moving = [
      'tickloom_rows_in_total',
      'tickloom_step_rows_in_total step="eventTime"',
      'tickloom_step_rows_out_total step="perSecond"',
      'tickloom_dropped_rows_total step="eventTime",reason="late"',
      'tickloom_output_rows_total output="seconds"',
      'tickloom_sink_rows_total sink="parquet"',
      'tickloom_sink_bytes_total sink="parquet"',
      'tickloom_watermark_seconds',
    ]
    for (const metric of moving) {
      const values = seen.get(metric) ?? []
      expect(values.length, `${metric}: ${values}`).toBeGreaterThan(3)
      expect(values, metric).toEqual([...values].sort((a, b) => a - b))
    }
  },
  60_000,
)
