import { spawn } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Answer, answerOf } from '../kit/commandLine.ts'

const shutdown = new URL('../../runtime/shutdown.ts', import.meta.url).href

/** A process that works until told to stop, and then takes its time. */
async function interrupted(onAbort: string, send: (kill: (signal: NodeJS.Signals) => void) => Promise<void>): Promise<Answer> {
  const script = `import { onShutdown } from ${JSON.stringify(shutdown)}
const { signal } = onShutdown()
const work = setInterval(() => {}, 1000)
signal.addEventListener('abort', () => { console.log('aborted'); ${onAbort} })
console.log('ready')`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script])
  const answer = answerOf(child)
  await new Promise((resolve) => child.stdout.once('data', resolve))
  await send((signal) => {
    child.kill(signal)
  })
  return answer
}

describe('onShutdown', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('%s aborts, and the process ends as it sees fit', async (name) => {
    const answer = await interrupted('clearInterval(work); process.exitCode = 7', async (kill) => kill(name))
    expect(answer).toMatchObject({ code: 7, signal: null, stdout: 'ready\naborted\n' })
    expect(answer.stderr).toContain(`${name}: stopping`)
  })

  test('the second signal ends the process at once', async () => {
    const answer = await interrupted('', async (kill) => {
      kill('SIGINT')
      await wait(400)
      kill('SIGTERM')
    })
    expect(answer).toMatchObject({ code: 130, stdout: 'ready\naborted\n' })
  })

  test('one Ctrl-C that comes by two ways counts once', async () => {
    const answer = await interrupted('setTimeout(() => process.exit(7), 300)', async (kill) => {
      kill('SIGINT')
      await wait(50)
      kill('SIGINT')
    })
    expect(answer.code).toBe(7)
  })
})
