import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import { StreamstackError, toStreamstackError } from '@streamstack/protocol'
import type { Engine } from '../engine/index.ts'
import type { CallReports } from './call/call-report.ts'
import { noteError } from './call/call-note.ts'
import { paceBody } from './paced-body.ts'
import { readNoMore, reportUnread } from './unread-requests.ts'
import { onTunnel } from './upgrade.ts'

interface RedirectOptions {
  readonly engine: Engine
  readonly reports: CallReports
  /** Where HTTPS is. */
  readonly securePort: () => number
}

/** A server for plain HTTP that sends every request on to HTTPS, with its method and its path. */
export function createRedirect({ engine, reports, securePort }: RedirectOptions): Server {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    // Every answer closes its connection.
    readNoMore(request.socket)
    paceBody(request)
    request.resume()
    response.on('error', () => undefined)
    reports.follow(request, response)
    const place = engine.gate.placeOf(request)
    try {
      if (place.host === '') throw new StreamstackError('header_invalid', 'The request has no Host.')
      engine.gate.admitHost(place)
    } catch (thrown) {
      // It must not lead browsers to another host.
      const error = toStreamstackError(thrown)
      noteError(response, error)
      response.writeHead(error.status, { 'Content-Length': 0, Connection: 'close' }).end()
      return
    }
    const host = place.host.replace(/:\d*$/, '')
    const path = request.url?.startsWith('/') === true ? request.url : '/'
    const port = securePort() === 443 ? '' : `:${securePort()}`
    const headers = { 'Content-Length': 0, 'Cache-Control': 'no-store', Connection: 'close' }
    response.writeHead(308, { ...headers, Location: `https://${host}${port}${path}` }).end()
  }
  const server = createServer({ requireHostHeader: false }, answer)
  server.on('checkExpectation', answer)
  onTunnel(server, answer)
  reportUnread(server, reports)
  return server
}
