import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { duckRows } from '../../connectors/parquet/duck.ts'
import { tickloom } from '../kit/commandLine.ts'

// docs/howto/check-a-lake.md: its commands are run one after the other, and say what the page says they do.

const folder = mkdtempSync(join(tmpdir(), 'tickloom-howto-'))
afterAll(() => rmSync(folder, { recursive: true }))
const page = readFileSync(new URL('../../docs/howto/check-a-lake.md', import.meta.url), 'utf8')

/** Sizes and times differ from machine to machine. */
const masked = (text: string): string => text.replace(/[\d.]+ [kM]?B\b|\b\d+\.\d+ s\b/g, '#')

test('the page’s commands say what it shows, and its query runs', async () => {
  let said = ''
  for (const [, kind, block] of page.matchAll(/```(sh|text|sql)\n([\s\S]*?)```/g)) {
    if (kind === 'text') for (const line of block.trim().split('\n')) expect(masked(said).split('\n')).toContain(masked(line))
    if (kind === 'sql') {
      const rows = await duckRows<{ symbol: string; type: string }>(block.replace("'minutes/", `'${folder}/minutes/`))
      expect(rows.map(({ symbol, type }) => `${symbol} ${type}`)).toEqual(['NIFTY CE', 'NIFTY PE', 'NIFTY CE', 'NIFTY PE', 'NIFTY CE', 'NIFTY PE'])
    }
    if (kind !== 'sh') continue
    said = ''
    for (const command of block.trim().split('\n')) {
      const [program, ...args] = command.split(' ')
      if (program === 'rm') rmSync(join(folder, args[0]))
      else {
        const answer = await tickloom(args, { cwd: folder })
        expect([command, answer.stderr]).toEqual([command, ''])
        said += answer.stdout
      }
    }
  }
}, 60_000)
