import { once } from 'node:events'
import { type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type LinesOptions, type LinesWork, linesWork } from './lines-work.ts'

const WRITE_CHARACTERS = 16_384

/** Raw node:http, chunks joined to writes of 16 kB: what Node can do at most, without anything that makes an endpoint of it. */
export async function start(options: string): Promise<number> {
  const work = linesWork(JSON.parse(options) as LinesOptions)
  const server = createServer((_request, response) => {
    send(work, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function send({ lines, contentType, encode, last }: LinesWork, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'Content-Type': contentType })
  let pending = ''
  let index = 0
  for (const line of lines) {
    pending += encode(line, index++)
    if (pending.length < WRITE_CHARACTERS) continue
    if (!response.write(pending)) await once(response, 'drain')
    pending = ''
  }
  response.end(pending + last)
}
