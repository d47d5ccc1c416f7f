import { randomBytes } from 'node:crypto'
import { curesOf } from '../cures.ts'
import { type Examination, isProblem } from '../examination.ts'
import { type Finding, ok, problem } from '../finding.ts'

const CHECK = 'WebSocket'
const PATH = '/v1/ws'
const TIMEOUT_MS = 10_000

/** Whether the handshake of a WebSocket (RFC 6455 §4) comes through to the server. */
export async function webSocket(examination: Examination): Promise<Finding> {
  const { proxies } = examination
  const { head } = await examination.handshake({
    path: PATH,
    headers: {
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    },
    timeoutMs: TIMEOUT_MS,
  })
  const cures = curesOf('upgrade', proxies)
  if (head === null) return problem(CHECK, 'The handshake got no answer.', cures)
  const { status, headers } = head
  if (status === 101) return ok(CHECK, 'The handshake passes.')
  const isOurs = isProblem(headers)
  if (isOurs && (status === 401 || status === 403)) {
    return ok(CHECK, `The handshake passes; the server wants a token for more (${status}).`)
  }
  if (isOurs && status === 404) return ok(CHECK, 'The server has no WebSocket.')
  if (isOurs && status === 426) {
    return problem(CHECK, 'The server was asked, but not for a WebSocket: the header Upgrade was taken away.', cures)
  }
  return problem(
    CHECK,
    `The handshake was answered with ${status}${isOurs ? '' : ' by something before the server'}.`,
    cures,
  )
}
