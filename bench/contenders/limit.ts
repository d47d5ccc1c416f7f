import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type LinesOptions, linesWork } from './lines-work.ts'

const WRITE_CHARACTERS = 16_384

/** Raw node:http, chunks joined to writes of 16 kB: what Node can do at most, without anything that makes an endpoint of it. */
export async function start(options: string): Promise<number> {
  const { lines, contentType, encode, last } = linesWork(JSON.parse(options) as LinesOptions)
  const server = createServer(async (_request, response) => {
    response.writeHead(200, { 'Content-Type': contentType })
    let pending = ''
    for (let index = 0; index < lines.length; index++) {
      pending += encode(lines[index] as string, index)
      if (pending.length < WRITE_CHARACTERS) continue
      if (!response.write(pending)) await once(response, 'drain')
      pending = ''
    }
    response.end(pending + last)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
