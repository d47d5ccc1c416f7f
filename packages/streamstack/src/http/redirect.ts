import { type Server, createServer } from 'node:http'
import type { Engine } from '../engine/index.ts'

/** A server for plain HTTP that sends every request on to HTTPS, with its method and its path. `securePort`: where HTTPS is. */
export function createRedirect(engine: Engine, securePort: () => number): Server {
  return createServer((request, response) => {
    request.resume()
    response.on('error', () => undefined)
    const place = engine.gate.placeOf(request)
    try {
      engine.gate.admitHost(place)
    } catch {
      // It must not lead browsers to another host.
      response.writeHead(421, { 'Content-Length': 0, Connection: 'close' }).end()
      return
    }
    const host = place.host.replace(/:\d*$/, '')
    const path = request.url?.startsWith('/') === true ? request.url : '/'
    const port = securePort() === 443 ? '' : `:${securePort()}`
    const headers = { 'Content-Length': 0, 'Cache-Control': 'no-store', Connection: 'close' }
    response.writeHead(308, { ...headers, Location: `https://${host}${port}${path}` }).end()
  })
}
