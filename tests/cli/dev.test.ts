import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { freePorts } from '../../connectors/kafka/dev/ports.ts'
import { type Answer, answerOf, main, tickloom } from '../kit/commandLine.ts'
import { describeKafka } from '../kit/kafka.ts'

test('without Java, `dev up` says what is missing and what to do', async () => {
  const { code, stderr } = await tickloom(['dev', 'up'], { env: { PATH: '/nowhere', JAVA_HOME: '' } })
  expect(code).toBe(2)
  expect(stderr).toMatch(/Java 17 or later is needed.*\n.*tool java\n {2}next {3}Install Java 17 or later and Maven.*\n {2}code {3}DEV_TOOLS_MISSING/)
})

test.each([
  ['--port', '70000'],
  ['--registry-port', '0'],
  ['--brokers', 'many'],
])('`dev up %s %s` is refused before anything starts', async (flag, value) => {
  const { code, stderr } = await tickloom(['dev', 'up', flag, value])
  expect([code, stderr]).toEqual([2, expect.stringContaining(flag)])
})

interface Addresses {
  readonly brokers: string[]
  readonly registry?: string
  readonly data: string
}

describeKafka(
  'tickloom dev up',
  () => {
    let folder: string
    const children: ChildProcess[] = []
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'tickloom-dev-'))
    })
    afterEach(async () => {
      for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL')
      await vi.waitUntil(() => javasOf(folder).length === 0, { timeout: 20_000 })
      rmSync(folder, { recursive: true })
    })

    /** Starts it and returns with its first line of stdout. */
    async function started(args: readonly string[]): Promise<{ child: ChildProcess; line: string; answer: Promise<Answer> }> {
      const [port] = await freePorts(1)
      const child = spawn(process.execPath, [main, 'dev', 'up', '--data', folder, '--port', String(port), ...args])
      children.push(child)
      const answer = answerOf(child)
      const line = await Promise.race([
        new Promise<string>((resolve) => child.stdout?.once('data', (chunk) => resolve(String(chunk)))),
        answer.then(({ stderr }) => Promise.reject(new Error(stderr))),
      ])
      return { child, line, answer }
    }

    test('prints where they are, stops on SIGTERM, and has topics and schemas at the next start', { timeout: 120_000 }, async () => {
      const registryPort = ['--registry-port', String((await freePorts(1))[0])]
      const first = await started(registryPort)
      expect(first.line).toMatch(/export TICKLOOM_BROKERS=127\.0\.0\.1:\d+\n {2}export TICKLOOM_REGISTRY=http:\/\/127\.0\.0\.1:\d+\/apis/)
      const [, brokers, registry] = /TICKLOOM_BROKERS=(\S+)\n.*TICKLOOM_REGISTRY=(\S+)/.exec(first.line) ?? []
      await makeTopic(brokers, 'kept')
      await register(registry, 'kept-value')
      const before = Date.now()
      first.child.kill('SIGTERM')
      expect((await first.answer).code).toBe(0)
      expect(Date.now() - before).toBeLessThan(30_000)
      expect(javasOf(folder)).toEqual([])

      const second = await started([...registryPort, '--json'])
      const at = JSON.parse(second.line) as Addresses
      expect(await topics(at.brokers)).toContain('kept')
      expect(await (await fetch(`${at.registry}/subjects`)).json()).toEqual(['kept-value'])
      // Nobody can catch SIGKILL, and yet no JVM may outlive us.
      second.child.kill('SIGKILL')
      await vi.waitUntil(() => javasOf(folder).length === 0, { timeout: 20_000 })
    })

    test('ends with the end of the log when its broker dies', { timeout: 120_000 }, async () => {
      const { answer } = await started(['--no-registry', '--json'])
      const [broker] = javasOf(folder)
      process.kill(broker, 'SIGKILL')
      const { code, stderr } = await answer
      expect(code).toBe(1)
      expect(JSON.parse(stderr)).toMatchObject({
        error: { code: 'SERVICE_FAILED', message: 'broker 0 ended with SIGKILL', causes: [expect.stringContaining('Kafka Server started')] },
      })
    })

    test('says which port is taken', { timeout: 120_000 }, async () => {
      const { line, child, answer } = await started(['--no-registry', '--json'])
      const port = (JSON.parse(line) as Addresses).brokers[0].split(':')[1]
      const second = await tickloom(['dev', 'up', '--data', join(folder, 'second'), '--port', port, '--no-registry'])
      expect([second.code, second.stderr]).toEqual([1, expect.stringContaining(`port ${port} is taken`)])
      child.kill('SIGINT')
      expect((await answer).code).toBe(0)
    })
  },
  { shared: false },
)

/** Pids of Java processes that have the folder among their arguments. */
function javasOf(folder: string): number[] {
  return execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => /^ *\d+ \S*java /.test(line) && line.includes(folder))
    .map((line) => Number.parseInt(line, 10))
}

async function makeTopic(broker: string, topic: string): Promise<void> {
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic }], waitForLeaders: true })
  await admin.disconnect()
}

async function topics(brokers: string[]): Promise<string[]> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const names = await admin.listTopics()
  await admin.disconnect()
  return names
}

async function register(registry: string, subject: string): Promise<void> {
  const answer = await fetch(`${registry}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: '"double"' }),
  })
  expect(answer.status).toBe(200)
}
