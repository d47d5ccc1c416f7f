import { StreamstackError } from '@streamstack/protocol'
import { compileInputs, parseBody, readBody } from '../input/index.ts'
import { answerWhole } from './answer/answer-whole.ts'
import type { Operation } from './route.ts'
import { ticketRequest } from './route-inputs.ts'

const BODY_BYTES_MAX = 8_192

/** The path of a stream: not of another server, and without the query, which the client adds to. */
const STREAM_PATH = /^\/(?![/\\])[\x21-\x7e]{0,2047}$/

const request = compileInputs(ticketRequest.body ?? [])
const NO_QUERY = new URLSearchParams()

export const makeTicket: Operation = {
  summary: 'Makes a ticket for one stream: a single-use credential for clients that can send no header.',
  answers: 'whole',
  async handle(exchange) {
    const { engine, caller } = exchange
    engine.access.checkTicketCaller(caller)
    const body = parseBody(await readBody(exchange.request, BODY_BYTES_MAX), exchange.request.headers['content-type'])
    const { stream } = request.check({ path: {}, query: NO_QUERY, body })
    if (typeof stream !== 'string' || !STREAM_PATH.test(stream) || /[?#]/.test(stream)) {
      throw new StreamstackError(
        'input_invalid',
        '`stream` must be the path of a stream on this server, without a query, such as /v1/channels/rooms/1. Spaces and other characters are percent-encoded.',
      )
    }
    const { ticket, expiresInSeconds } = engine.access.issueTicket(caller, stream)
    const answer = { ticket, url: `${stream}?ticket=${ticket}`, expires_in: expiresInSeconds }
    answerWhole(exchange, { status: 201, body: JSON.stringify(answer) })
  },
}
