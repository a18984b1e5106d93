import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { TickloomError } from '../../../core/errors.ts'

/**
 * So many free ports of the loopback address. They lie below those the system hands to outgoing connections: one of
 * these could otherwise sit on a broker's port while the broker is down, and keep it from coming back.
 */
export async function freePorts(n: number): Promise<number[]> {
  const ports = new Set<number>()
  for (let tries = 0; ports.size < n; tries++) {
    if (tries > 1000) throw new TickloomError('SERVICE_FAILED', 'no free port found between 10000 and 19999', {})
    const port = randomInt(10_000, 20_000)
    if (!ports.has(port) && (await isFree(port))) ports.add(port)
  }
  return [...ports]
}

/** Throws SERVICE_FAILED when somebody listens on one of the ports. */
export async function requireFree(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    if (!(await isFree(port))) throw new TickloomError('SERVICE_FAILED', `port ${port} is taken`, { port })
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => (cause.code === 'EADDRINUSE' || cause.code === 'EACCES' ? resolve(false) : reject(cause)))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
