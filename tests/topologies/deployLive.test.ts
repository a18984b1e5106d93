import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, it } from 'vitest'
import { outputFiles } from '../../connectors/parquet/outputManifest.ts'
import { answerOf, tickloom } from '../kit/commandLine.ts'
import { describeKafka, freshTopic, kafkaHere } from '../kit/kafka.ts'

const folder = mkdtempSync(join(tmpdir(), 'deploy-live-'))

describeKafka('docs/howto/deploy-from-code.md, live', () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('has a program that runs the topology on a topic, and stops when it is told', async () => {
    const page = readFileSync(new URL('../../docs/howto/deploy-from-code.md', import.meta.url), 'utf8')
    const program = [...page.matchAll(/```ts\n([\s\S]*?)```/g)][1][1]
    writeFileSync(join(folder, 'desk.ts'), program.replaceAll("from './", `from '${new URL('../../', import.meta.url).href}`))
    const [topic, brokers] = [freshTopic('desk'), kafkaHere().brokers.join(',')]
    const ask = async (...args: string[]) => {
      const { code, stderr } = await tickloom([...args, '--brokers', brokers])
      expect([code, stderr.replace(/.*embedded.*\n/, '')], args[0]).toEqual([0, ''])
    }
    await ask('topics', '--topics', topic, '--group', 'desk', '--create', '--partitions', '1')
    const child = spawn(process.execPath, [join(folder, 'desk.ts'), topic, join(folder, 'out')], {
      env: { ...process.env, TICKLOOM_BROKERS: brokers },
    })
    const answer = answerOf(child)
    await ask('feed', '--synth', '--symbols', 'NIFTY', '--strikes', '1', '--time', '09:15..09:20', '--speed', 'max', '--topic', topic, '--quiet')
    const rows = () => outputFiles(join(folder, 'out'), '0').reduce((sum, file) => sum + file.rows, 0)
    for (const end = performance.now() + 30_000; rows() < 1_500; await sleep(100)) {
      if (performance.now() > end) throw new Error(`${rows()} rows`)
    }
    child.kill('SIGTERM')
    const { code, stdout } = await answer
    expect(code).toBe(0)
    expect(stdout.split('\n').slice(0, 3)).toEqual(['assigned', 'restored', 'saved'])
  }, 90_000)
})
