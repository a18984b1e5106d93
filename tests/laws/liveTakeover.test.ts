import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { parquetDestination } from '../../connectors/parquet/sink.ts'
import { Instruments } from '../../core/instruments.ts'
import { Second } from '../../core/market.ts'

const folder = mkdtempSync(join(tmpdir(), 'takeover-'))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = async () => {
  const task = { topology: 't', run: 'r', partition: '3', outputs: { seconds: Second }, instruments: new Instruments(), committed: 7 }
  await (await parquetDestination({ dir: folder }).open(task)).close()
}

describe('a partition that is taken over', () => {
  it('leaves the file alone that its last owner is still writing, and removes it when that process is gone', async () => {
    const owner = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'])
    const temporary = join(folder, `seconds/date=2025-01-06/3-8.parquet.${encodeURIComponent(hostname()).replaceAll('.', '%2E')}-${owner.pid}-1.tmp`)
    mkdirSync(dirname(temporary), { recursive: true })
    writeFileSync(temporary, 'half')
    await open()
    expect(existsSync(temporary)).toBe(true)
    owner.kill('SIGKILL')
    await once(owner, 'close')
    await open()
    expect(existsSync(temporary)).toBe(false)
  })
})
