import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // A strategy file of a test, wherever it lies, sees the same modules as the test.
  resolve: { alias: { tickloom: fileURLToPath(new URL('index.ts', import.meta.url)) }, dedupe: ['rxjs', 'zod'] },
  test: {
    include: ['tests/**/*.test.ts'],
    exclude: ['tests/storm/**', 'node_modules/**'],
    // Native engines (DuckDB, ClickHouse) own process-wide state, so every test file gets a process of its own.
    pool: 'forks',
    maxWorkers: 2,
    globalSetup: fileURLToPath(new URL('tests/kit/kafkaGlobal.ts', import.meta.url)),
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
