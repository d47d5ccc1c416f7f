import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { type LinesOptions, linesWork } from './lines-work.ts'

/** Express 5, one `write` a chunk, waiting for `drain`. */
export async function start(options: string): Promise<number> {
  const { lines, contentType, encode, last } = linesWork(JSON.parse(options) as LinesOptions)
  const app = express()
  app.get('/', async (_request, response) => {
    response.setHeader('Content-Type', contentType)
    for (const [index, line] of lines.entries()) {
      if (!response.write(encode(line, index))) await once(response, 'drain')
    }
    response.end(last)
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
