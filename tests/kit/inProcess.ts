import { run } from '../../cli/program.ts'

export interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** One command line in this process, which saves a second each; one at a time, since what it prints is caught. */
export async function runHere(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Said> {
  const said = { stdout: '', stderr: '' }
  const writes = { stdout: process.stdout.write, stderr: process.stderr.write }
  const before = Object.keys(env).map((name) => [name, process.env[name]] as const)
  Object.assign(process.env, env)
  const catching = (stream: keyof typeof said) => ((chunk: unknown) => (said[stream] += String(chunk)) !== '') as typeof process.stdout.write
  process.stdout.write = catching('stdout')
  process.stderr.write = catching('stderr')
  try {
    const code = await run(args)
    return { code, ...said }
  } finally {
    process.stdout.write = writes.stdout
    process.stderr.write = writes.stderr
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}
