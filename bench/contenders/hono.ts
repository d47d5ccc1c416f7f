import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { streamText } from 'hono/streaming'
import { type LinesOptions, linesWork } from './lines-work.ts'

/** Hono 4 on Node, `streamText`. */
export async function start(options: string): Promise<number> {
  const { lines, contentType, encode, last } = linesWork(JSON.parse(options) as LinesOptions)
  const app = new Hono()
  app.get('/', (context) => {
    const response = streamText(context, async (stream) => {
      for (const [index, line] of lines.entries()) await stream.write(encode(line, index))
      await stream.write(last)
    })
    response.headers.set('Content-Type', contentType)
    return response
  })
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  if (!server.listening) await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
