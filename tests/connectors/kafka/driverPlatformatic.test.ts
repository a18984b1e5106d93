import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { driverContract } from '../../kit/driverContract.ts'
import { groupContract } from '../../kit/groupContract.ts'
import { describeKafka } from '../../kit/kafka.ts'

const PACKAGE: string = '@platformatic/kafka'
const missing = await import(PACKAGE).then(
  () => undefined,
  () => `${PACKAGE} is an optional package and not installed`,
)

if (missing === undefined) {
  describeKafka('platformatic as a driver', () => driverContract('platformatic'))
  describeKafka('platformatic in a group', () => groupContract('platformatic'))
} else {
  process.stderr.write(`\nSKIPPED  the contract of the platformatic driver: ${missing}\n`)
  describe.skip(`the contract of the platformatic driver (skipped: ${missing})`, () => test('is held'))
}

test('where the package is not installed, DRIVER_MISSING says how to install it', async () => {
  const hook = `import { registerHooks } from 'node:module'
    registerHooks({ resolve(name, context, next) {
      if (name === '${PACKAGE}') throw Object.assign(new Error('not here'), { code: 'ERR_MODULE_NOT_FOUND' })
      return next(name, context)
    } })`
  const script = `import { loadLibrary } from '${new URL('../../../connectors/kafka/platformatic/library.ts', import.meta.url)}'
    await loadLibrary().catch((error) => console.log(error.code, error.message))`
  const flags = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, '--input-type=module', '-e', script]
  const { stdout } = await promisify(execFile)(process.execPath, flags)
  expect(stdout).toMatch(/^DRIVER_MISSING .*npm install @platformatic\/kafka@/)
})
