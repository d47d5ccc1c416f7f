import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A provider that streams so many tokens, one at each interval, in the frames of Chat Completions. */
export async function start(options: string): Promise<number> {
  const { tokens, intervalMs } = JSON.parse(options) as { tokens: number; intervalMs: number }
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(frame('word 0 ', null))
    let next = 1
    const timer = setInterval(() => {
      if (next < tokens) response.write(frame(`word ${next++} `, null))
      else {
        clearInterval(timer)
        response.end(`${frame('', 'stop')}data: [DONE]\n\n`)
      }
    }, intervalMs)
    response.on('close', () => clearInterval(timer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function frame(content: string, finish: string | null): string {
  const choice = { index: 0, delta: { content }, logprobs: null, finish_reason: finish }
  const common = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', system_fingerprint: 'fp' }
  return `data: ${JSON.stringify({ ...common, choices: [choice], usage: null })}\n\n`
}
