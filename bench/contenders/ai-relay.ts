import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createParser } from 'eventsource-parser'
import { request } from 'undici'

/** A relay by hand: undici and eventsource-parser, and `res.write` for each token. It knows no errors and no end. */
export async function start(options: string): Promise<number> {
  const { upstream } = JSON.parse(options) as { upstream: string }
  const server = createServer((incoming, response) => {
    incoming.resume()
    void relay(upstream, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function relay(upstream: string, response: import('node:http').ServerResponse): Promise<void> {
  const answer = await request(`${upstream}/v1/chat/completions`, { method: 'POST', body: '{}' })
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const parser = createParser({
    onEvent: ({ data }) => {
      if (data === '[DONE]') return
      const content = (JSON.parse(data) as { choices: { delta: { content: string } }[] }).choices[0]?.delta.content
      if (content !== undefined && content !== '') response.write(`data: ${JSON.stringify(content)}\n\n`)
    },
  })
  const decoder = new TextDecoder()
  for await (const chunk of answer.body) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }))
  response.end()
}
