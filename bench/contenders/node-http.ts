import { once } from 'node:events'
import { type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type LinesOptions, type LinesWork, linesWork } from './lines-work.ts'

/** Raw node:http, one `write` a chunk, waiting for `drain`. */
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
  for (const [index, line] of lines.entries()) {
    if (!response.write(encode(line, index))) await once(response, 'drain')
  }
  response.end(last)
}
