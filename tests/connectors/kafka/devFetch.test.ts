import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { fetchPrograms, programsIn } from '../../../connectors/kafka/dev/fetch.ts'
import { answerOf } from '../../kit/commandLine.ts'

const source = new URL('../../../connectors/kafka/dev/fetch.ts', import.meta.url).href
let folder: string
let cache: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tickloom-fetch-'))
  cache = join(folder, 'cache')
  mkdirSync(join(folder, 'bin'))
  for (const tool of ['sh', 'bash', 'tar', 'gzip', 'mkdir', 'sleep', 'touch']) {
    symlinkSync(execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(), join(folder, 'bin', tool))
  }
  vi.stubEnv('PATH', join(folder, 'bin'))
  vi.stubEnv('JAVA_HOME', '')
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

/** A command on the PATH of the test. */
function put(name: string, script: string): void {
  writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(folder, 'bin', name), 0o755)
}

const java = (version: string): void => put('java', `echo 'openjdk version "${version}"' >&2`)
/** Takes half a second, leaves a jar or a packed folder where it is told, and a line for every fetch. */
const maven = (): void =>
  put(
    'mvn',
    `[ "$1" = -v ] && exit 0
echo fetched >> "${folder}/fetches"
sleep 0.5
for word; do case $word in -DoutputDirectory=*) out=\${word#*=} ;; esac; done
case "$*" in
  *copy-dependencies*) touch "$out/kafka.jar" ;;
  *) mkdir "$out/lib"; touch "$out/lib/x"; tar czf "$out/apicurio.tar.gz" -C "$out" lib ;;
esac`,
  )

describe('what is missing is named', () => {
  test('no Java', async () => {
    await expect(fetchPrograms({ cache })).rejects.toMatchObject({ code: 'DEV_TOOLS_MISSING', at: { tool: 'java' } })
  })

  test('a Java too old', async () => {
    java('11.0.2')
    await expect(fetchPrograms({ cache })).rejects.toThrow('Java 17 or later is needed to run a broker, and "java" is 11')
  })

  test('no Maven, where there is something to fetch', async () => {
    java('17.0.1')
    await expect(fetchPrograms({ cache })).rejects.toMatchObject({ code: 'DEV_TOOLS_MISSING', at: { tool: 'mvn' } })
  })
})

describe('programs are fetched', () => {
  test('not at all when they are there, and Maven is not asked for', async () => {
    java('21')
    for (const program of Object.values(programsIn(cache))) mkdirSync(program, { recursive: true })
    const said: string[] = []
    expect(await fetchPrograms({ cache, say: (text) => said.push(text) })).toEqual(programsIn(cache))
    expect(said).toEqual([])
  })

  test('once, when two processes want them at once', async () => {
    java('17.0.1')
    maven()
    const code = `const { fetchPrograms } = await import('${source}'); await fetchPrograms({ cache: '${cache}' })`
    const both = [1, 2].map(() => answerOf(spawn(process.execPath, ['--input-type=module', '-e', code])))
    expect((await Promise.all(both)).map((answer) => [answer.code, answer.stderr])).toEqual([
      [0, ''],
      [0, ''],
    ])
    expect(readFileSync(join(folder, 'fetches'), 'utf8')).toBe('fetched\nfetched\n')
    expect(readdirSync(cache, { recursive: true }).sort()).toEqual([
      'kafka-4.4.0',
      'kafka-4.4.0/kafka.jar',
      'registry-3.0.9',
      'registry-3.0.9/lib',
      'registry-3.0.9/lib/x',
    ])
  })

  test('although a process that was killed left its lock', async () => {
    java('17.0.1')
    maven()
    mkdirSync(cache)
    const { pid } = spawn(process.execPath, ['-e', '0'])
    await vi.waitUntil(() => !existsSync(`/proc/${pid}`) && !alive(pid as number), { timeout: 20_000 })
    writeFileSync(join(cache, 'fetch.lock'), String(pid))
    await fetchPrograms({ cache })
    expect(readdirSync(cache).sort()).toEqual(['kafka-4.4.0', 'registry-3.0.9'])
  })

  test('wholly or not: of a fetch that fails nothing stays, and the failure has what Maven said', async () => {
    java('17.0.1')
    put('mvn', '[ "$1" = -v ] && exit 0; echo "no route to the repository"; exit 1')
    const failure = await fetchPrograms({ cache }).catch((thrown: unknown) => thrown)
    expect(failure).toMatchObject({ code: 'SERVICE_FAILED', cause: { message: expect.stringContaining('no route to the repository') } })
    expect(readdirSync(cache)).toEqual([])
  })

  test('until one does not want to wait any longer', async () => {
    java('17.0.1')
    put('mvn', '[ "$1" = -v ] && exit 0; exec sleep 60')
    const interrupt = new AbortController()
    const fetching = fetchPrograms({ cache, signal: interrupt.signal, say: () => setTimeout(() => interrupt.abort(), 200) })
    await expect(fetching).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(readdirSync(cache)).toEqual([])
  })
})

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
