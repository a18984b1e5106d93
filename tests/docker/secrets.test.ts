import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { inRoot } from './composeFile.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'secrets-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const make = (...args: string[]) =>
  spawnSync(process.execPath, [inRoot('docker/make-secrets.mjs'), '--file', join(folder, '.env'), ...args], { encoding: 'utf8' })
const env = (): Record<string, string> =>
  Object.fromEntries([...readFileSync(join(folder, '.env'), 'utf8').matchAll(/^([A-Z0-9_]+)=(.*)$/gm)].map((m) => [m[1], m[2]]))
const sha256 = (password: string) => createHash('sha256').update(password).digest('hex')

it('writes every secret, long and its own, with the hashes of the passwords, for its owner only', () => {
  const { status, stdout, stderr } = make()
  expect([status, stderr]).toEqual([0, ''])
  const made = env()
  expect(Object.values(made).filter((value) => !/^[\w-]{22,}$/.test(value))).toEqual([])
  expect(new Set(Object.values(made)).size).toBe(6)
  expect(made['WRITER_PASSWORD_SHA256']).toBe(sha256(made['WRITER_PASSWORD']))
  expect(made['ANALYST_PASSWORD_SHA256']).toBe(sha256(made['ANALYST_PASSWORD']))
  expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600)
  expect(Object.values(made).some((secret) => stdout.includes(secret))).toBe(false)
})

it('leaves secrets that are there alone', () => {
  make()
  const before = env()
  const again = make()
  expect(again.status).toBe(1)
  expect(again.stderr).toContain('is there already')
  expect(env()).toEqual(before)
})

it('gives one secret a new value, and its hash, and keeps the rest', () => {
  make()
  const { WRITER_PASSWORD: old, WRITER_PASSWORD_SHA256: _, ...kept } = env()
  expect(make('--rotate', 'WRITER_PASSWORD').status).toBe(0)
  const { WRITER_PASSWORD, WRITER_PASSWORD_SHA256, ...rest } = env()
  expect(rest).toEqual(kept)
  expect(WRITER_PASSWORD).not.toBe(old)
  expect(WRITER_PASSWORD_SHA256).toBe(sha256(WRITER_PASSWORD))
  expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600)
})

it('does not change what would part Kafka from its data', () => {
  make()
  expect(make('--rotate', 'KAFKA_CLUSTER_ID').status).toBe(1)
})
