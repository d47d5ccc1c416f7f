import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type LinesOptions, linesWork } from './lines-work.ts'

/** Raw node:http, one `write` a chunk, waiting for `drain`. */
export async function start(options: string): Promise<number> {
  const { lines, contentType, encode, last } = linesWork(JSON.parse(options) as LinesOptions)
  const server = createServer(async (_request, response) => {
    response.writeHead(200, { 'Content-Type': contentType })
    for (const [index, line] of lines.entries()) {
      if (!response.write(encode(line, index))) await once(response, 'drain')
    }
    response.end(last)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
