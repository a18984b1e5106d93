import { run } from './program.ts'

// `tickloom graph | head` closes our end of the pipe: nobody listens any more, so there is nothing left to do.
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code !== 'EPIPE') throw cause
  process.exit(0)
})

process.exitCode = await run(process.argv.slice(2))
