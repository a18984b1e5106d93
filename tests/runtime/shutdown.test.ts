import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Answer, answerOf } from '../kit/commandLine.ts'

const shutdown = new URL('../../runtime/shutdown.ts', import.meta.url).href

/** A process that works until told to stop, and then does as it is told here. `send` gets it once it listens. */
async function interrupted(onAbort: string, send: (child: ChildProcess) => Promise<unknown> | unknown): Promise<Answer> {
  const script = `import { onShutdown } from ${JSON.stringify(shutdown)}
const { signal } = onShutdown()
const work = setInterval(() => {}, 1000)
signal.addEventListener('abort', () => { console.log('aborted'); ${onAbort} })
console.log('ready')`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script])
  const answer = answerOf(child)
  await once(child.stdout, 'data')
  await send(child)
  return answer
}

describe('onShutdown', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('%s aborts, and the process ends as it sees fit', async (name) => {
    const answer = await interrupted('clearInterval(work); process.exitCode = 7', (child) => child.kill(name))
    expect(answer).toMatchObject({ code: 7, signal: null, stdout: 'ready\naborted\n' })
    expect(answer.stderr).toContain(`${name}: stopping`)
  })

  test('the second signal ends the process at once', async () => {
    const answer = await interrupted('', async (child) => {
      child.kill('SIGINT')
      await once(child.stdout as Readable, 'data')
      await wait(400)
      child.kill('SIGTERM')
    })
    expect(answer).toMatchObject({ code: 130, stdout: 'ready\naborted\n' })
  })

  test('one Ctrl-C that comes by two ways counts once', async () => {
    // The process sends itself the second one: from here it would come too late when the machine stands still in between.
    const again = "process.once('SIGINT', () => process.exit(7)); setImmediate(() => process.kill(process.pid, 'SIGINT'))"
    const answer = await interrupted(`setImmediate(() => { ${again} })`, (child) => child.kill('SIGINT'))
    expect(answer.code).toBe(7)
  })
})
