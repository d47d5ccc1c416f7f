import { once } from 'node:events'
import { type ServerResponse, createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/**
 * Raw node:http that writes each body that is posted to all who listen, in one loop: the same bytes as ours, but kept nowhere, with no position,
 * no bound and no back pressure. `write` by `response` frames for each reader, as one writes it by hand; by `socket` frames once.
 */
export async function start(options: string): Promise<number> {
  const { write } = JSON.parse(options) as { write: 'response' | 'socket' }
  const listeners = new Set<ServerResponse>()
  let count = 0
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      response.write('event: control\ndata:{"streamNextOffset":"0","upToDate":true}\n\n')
      listeners.add(response)
      response.on('close', () => listeners.delete(response))
      return
    }
    request.on('data', (body: Buffer) => {
      count += 1
      const offset = `${String(count).padStart(16, '0')}_0123456789abcdef`
      const control = JSON.stringify({ streamNextOffset: offset, streamCursor: '3500000', upToDate: true })
      const events = Buffer.from(
        `id: ${offset}\nevent: data\ndata:${body.toString()}\n\nevent: control\ndata:${control}\n\n`,
      )
      if (write === 'response') for (const listener of listeners) listener.write(events)
      else {
        const framed = Buffer.concat([Buffer.from(`${events.length.toString(16)}\r\n`), events, Buffer.from('\r\n')])
        for (const listener of listeners) (listener.socket as Socket).write(framed)
      }
    })
    request.on('end', () => {
      response.writeHead(204)
      response.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
