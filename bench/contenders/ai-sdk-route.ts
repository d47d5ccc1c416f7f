import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createOpenAI } from '@ai-sdk/openai'
import { serve } from '@hono/node-server'
import { streamText } from 'ai'
import { Hono } from 'hono'

/** The route of a chat as most write it: Hono and the AI SDK, the UI message stream for `useChat`. */
export async function start(options: string): Promise<number> {
  const { upstream } = JSON.parse(options) as { upstream: string }
  const provider = createOpenAI({ baseURL: `${upstream}/v1`, apiKey: 'none' })
  const app = new Hono()
  app.get('/reply', () =>
    streamText({ model: provider.chat('m'), messages: [{ role: 'user', content: 'Hi' }] }).toUIMessageStreamResponse(),
  )
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  if (!server.listening) await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
