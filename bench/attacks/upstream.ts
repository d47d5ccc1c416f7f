import { once } from 'node:events'
import { type Server, createServer } from 'node:http'

/** Answers `/deep` with 10 MB of nested lists, and everything else with an empty object. */
export async function startUpstream(): Promise<Server> {
  const deep = `${'['.repeat(5_000_000)}${']'.repeat(5_000_000)}`
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'Content-Type': 'application/json' })
    response.end(request.url === '/deep' ? deep : '{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
