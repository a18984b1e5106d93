import { defineConfig, mergeConfig } from 'vitest/config'
import usual from './vitest.config.ts'

// Crashes, full disks and long runs: minutes, so they are not part of `npm test`.
export default mergeConfig(
  { ...usual, test: { ...usual.test, include: [], exclude: [] } },
  defineConfig({
    test: { include: ['tests/storm/**/*.test.ts'], exclude: ['node_modules/**'], testTimeout: 300_000, hookTimeout: 300_000 },
  }),
)
