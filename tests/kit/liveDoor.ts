import type { AddressInfo } from 'node:net'
import { createServer, connect as dial, type Socket } from 'node:net'

/** A port in front of a server that can be shut: connections break, and new ones are refused, until it is open again. */
export interface LiveDoor {
  readonly url: string
  shut(): Promise<void>
  open(): Promise<void>
}

export async function liveDoor(to: string): Promise<LiveDoor> {
  const { hostname, port } = new URL(to)
  const sockets = new Set<Socket>()
  const keep = (socket: Socket, other: Socket): void => {
    sockets.add(socket)
    // Either end may break off; the other hears of it.
    socket.on('error', () => other.destroy()).on('close', () => sockets.delete(socket) && other.destroy())
  }
  const server = createServer((from) => {
    const there = dial(Number(port), hostname)
    keep(from, there)
    keep(there, from)
    from.pipe(there).pipe(from)
  })
  const listen = (at: number) => new Promise<void>((resolve, reject) => server.once('error', reject).listen(at, '127.0.0.1', resolve))
  await listen(0)
  const own = (server.address() as AddressInfo).port
  return {
    url: `http://127.0.0.1:${own}`,
    async shut() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.resetAndDestroy()
      await closed
    },
    open: () => listen(own),
  }
}
