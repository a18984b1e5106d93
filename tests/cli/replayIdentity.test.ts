import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { claimRun, identityOf, runName } from '../../cli/replayIdentity.ts'
import type { ReplayOptions } from '../../cli/replayOptions.ts'
import { HOUR } from '../../core/time.ts'
import type { Topology } from '../../core/topology.ts'
import volumeBurst from '../../topologies/volume-burst/graph.ts'

const topology = volumeBurst as unknown as Topology
const options: ReplayOptions = { topology: 'volume-burst', lake: '/lake', params: [], workers: 1, resume: false, epoch: HOUR }
const identity = (more: Partial<ReplayOptions> = {}) => identityOf(topology, {}, { ...options, ...more })
const folder = mkdtempSync(join(tmpdir(), 'identity-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a run with other outputs is another run: its committed epochs lack them', () => {
  expect(runName(topology, identity({ outputs: ['signals'] }))).not.toBe(runName(topology, identity()))
  claimRun(folder, 'R', identity({ outputs: ['signals'] }))
  expect(() => claimRun(folder, 'R', identity())).toThrow(
    expect.objectContaining({ code: 'RUN_MISMATCH', message: expect.stringContaining('outputs') }),
  )
})

test('how it is read, and by how many, is not what a run is', () => {
  expect(identity({ workers: 2, reader: 'duckdb', resume: true })).toEqual(identity())
  expect(identity({ outputs: ['late', 'signals'] })).toEqual(identity({ outputs: ['signals', 'late'] }))
})
