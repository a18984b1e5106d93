// `tickloom graph | head` closes our end of the pipe: nobody listens any more, so there is nothing left to do.
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code !== 'EPIPE') throw cause
  process.exit(0)
})

// kafkajs waits a negative time now and then, and Node says so each time it starts: it is harmless, and no user's business.
process.removeAllListeners('warning')
process.on('warning', (warning) => {
  if (warning.name !== 'TimeoutNegativeWarning') process.stderr.write(`${warning.stack ?? warning.message}\n`)
})

const args = process.argv.slice(2)
// Other verbs would take up 40 MB beside one that lives for months on a small machine.
const run = args[0] === 'tracker' ? (await import('./trackerAlone.ts')).runTracker : (await import('./program.ts')).run
process.exitCode = await run(args)

// Everything is done and closed by now; a connection that a client library leaves open all the same keeps no process.
setTimeout(() => process.exit(), 1000).unref()
// The work is done and its answer given: a socket that a client library left behind must not keep the process alive.
setTimeout(() => process.exit(), 2_000).unref()
