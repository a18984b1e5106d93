import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { expect, it, vi } from 'vitest'
import { Backoff, ConnectBudget } from '../../../connectors/feeds/attempts.ts'
import { systemClock as clock } from '../../../connectors/feeds/clock.ts'
import { Connection } from '../../../connectors/feeds/connection.ts'
import { WsServer } from '../../kit/wsServer.ts'

const times = { ping: 60_000, silence: 60_000, answer: 60_000, settled: 60_000, farewell: 1000 }

it('delivers what had come before the end although it was not read further then, although its reader had room again just before', async () => {
  const sockets: Socket[] = []
  const made = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket)
  subscribe('net.client.socket', made)
  const server = await new WsServer({ connected: () => {}, said: () => {} }).listen()
  const heard: string[] = []
  const connection: Connection = new Connection({
    url: `ws://${server.address}`,
    clock,
    times,
    backoff: new Backoff({ first: 60_000, most: 60_000 }, clock),
    budget: new ConnectBudget(1, 1000, clock),
    largest: 1000,
    onOpen: () => connection.pause(true),
    onMessage: (data) => heard.push(String(data)),
    onPing: () => {},
    onLost: (reason) => heard.push(reason),
    onRestored: () => {},
  })
  try {
    connection.begin()
    await vi.waitFor(() => expect(server.clients.length).toBe(1), 20_000)
    const [client] = server.clients
    await vi.waitFor(() => expect(connection.open).toBe(true), 20_000)
    const [socket] = sockets
    for (let i = 0; i < 10; i++) client.send(`${i}`)
    await vi.waitFor(() => expect(socket.readableLength).toBe(30), 20_000)
    // The consumer has room again just when the fault is known.
    socket.on('error', () => connection.pause(false))
    socket.destroy(new Error('EPIPE'))
    await vi.waitFor(() => expect(heard).toEqual([...Array(10).keys()].map(String).concat('closed')), 20_000)
  } finally {
    unsubscribe('net.client.socket', made)
    await connection.close()
    await server.close()
  }
})
