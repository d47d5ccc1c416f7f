import type { Value } from '@streamstack/protocol'
import { after } from '../../storage/index.ts'
import type { Exchange } from '../exchange.ts'
import type { Operation } from '../route.ts'
import { appendToStream } from './append-to-stream.ts'
import { createStream } from './create-stream.ts'
import { answerHead } from './read-stream.ts'
import { type StreamCall, answer, settle } from './stream-call.ts'
import { RESERVED_ROOT } from './stream-name.ts'
import type { Subscriptions } from './subscriptions.ts'

const METHODS = 'GET, HEAD, POST, PUT, DELETE, OPTIONS'
const REQUEST_HEADERS =
  'Authorization, Content-Type, If-None-Match, Stream-TTL, Stream-Expires-At, Stream-Seq, Stream-Closed, Stream-Forked-From, Stream-Fork-Offset, Stream-Fork-Sub-Offset, Producer-Id, Producer-Epoch, Producer-Seq'

/** An operation on the stream that the path names. */
function named(summary: string, act: (call: StreamCall) => void | Promise<void>): Operation {
  return { summary, answers: 'whole', handle: (exchange, { streams }) => streams.act(exchange, act) }
}

export const readNamed: Operation = {
  summary: 'Reads a stream after an offset; with `live` it waits for what comes.',
  answers: 'stream',
  handle: (exchange, { streams }) => streams.read(exchange),
}

export const headNamed = named('Describes a stream in headers.', answerHead)
export const createNamed = named('Makes a stream, or finds it as it was asked for.', createStream)
export const appendNamed = named('Appends to a stream, closes it, or both.', appendToStream)

export const deleteNamed = named('Deletes a stream.', (call) =>
  settle(
    call,
    () => call.service.store.delete(call.name),
    () => answer(call, 204, {}),
  ),
)

/** Which origins may call is `server.cors`' to say; this is what they may ask for. */
export const namedOptions: Operation = {
  summary: 'Tells methods and headers of the protocol.',
  answers: 'whole',
  handle(exchange, { streams }) {
    answer(streams.call(exchange), 204, {
      Allow: METHODS,
      'Access-Control-Allow-Methods': METHODS,
      'Access-Control-Allow-Headers': REQUEST_HEADERS,
    })
  },
}

export const readKeys: Operation = {
  summary: 'The public keys that calls of webhooks are signed with.',
  answers: 'whole',
  handle(exchange, { streams }) {
    return after(streams.subscriptions, (all) => all.answerKeys(streams.call(exchange)))
  },
}

type Reply = ReturnType<Subscriptions['delete']>
type Act = (subscriptions: Subscriptions, id: string, call: StreamCall, body: Value) => Reply

/** A subscription tells of many streams, by patterns as well: `streams.allow` decides on it by the name that its path has. */
function permitSubscription({ engine, caller, method }: Exchange, id: string): void {
  engine.access.permitStream(caller, method === 'GET' ? 'read' : 'write', `${RESERVED_ROOT}subscriptions/${id}`)
}

/** An operation on the subscription that the path names, by `how` its body is read: not at all, or for whom. */
function subscription(summary: string, how: 'bodiless' | 'body' | 'worker', act: Act): Operation {
  return {
    summary,
    answers: 'whole',
    handle(exchange, { streams }) {
      const call = streams.call(exchange)
      const id = exchange.parameters['id'] ?? ''
      if (how !== 'worker') permitSubscription(exchange, id)
      return after(streams.subscriptions, (all) => {
        const withBody = (body: Value): Reply => act(all, id, call, body)
        if (how === 'body') all.answer(call, withBody)
        else if (how === 'worker') all.answerWorker(call, id, withBody)
        else all.answerBodiless(call, () => withBody(null))
      })
    },
  }
}

export const showSubscription = subscription('Describes a subscription.', 'bodiless', (all, id) => all.describe(id))
export const deleteSubscription = subscription('Deletes a subscription.', 'bodiless', (all, id) => all.delete(id))

/** A subscription makes this server call others, so the right to read is not enough to make one. */
export const putSubscription = subscription(
  'Makes a subscription: workers are called when there is something to read in its streams.',
  'body',
  (all, id, call, body) => all.put(call, id, body),
)

export const addSubscribedStreams = subscription('Adds streams to a subscription.', 'body', (all, id, _call, body) =>
  all.addStreams(id, body),
)

export const removeSubscribedStream: Operation = {
  summary: 'Removes a stream from a subscription.',
  answers: 'whole',
  handle(exchange, { streams }) {
    const { id = '', '*': name = '' } = exchange.parameters
    permitSubscription(exchange, id)
    return after(streams.subscriptions, (all) =>
      all.answerBodiless(streams.call(exchange), () => all.removeStream(id, name)),
    )
  },
}

export const claimWork = subscription('Takes the work of a subscription.', 'body', (all, id, _call, body) =>
  all.claim(id, body),
)

export const acknowledgeWork = subscription('Notes what a worker has read.', 'worker', (all, id, call, body) =>
  all.acknowledge(call, id, 'pull-wake', body),
)

export const answerCallback = subscription('Notes what a webhook has read.', 'worker', (all, id, call, body) =>
  all.acknowledge(call, id, 'webhook', body),
)

export const releaseWork = subscription('Gives work back undone.', 'worker', (all, id, call, body) =>
  all.release(call, id, body),
)
