import type { ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'

/** What to call when the answer is over. */
const listeners = Symbol('listeners')

interface FollowedAnswer extends ServerResponse {
  [listeners]?: () => void
}

/**
 * Calls once, when an answer has left or its connection is gone; at once when it is already.
 *
 * All who ask share one listener, and it is not a `once`. Of a second listener, and of a `once`, node:events makes an object that knows the answer. V8
 * learns from those of connections that such objects live long, and then allocates all of them among the old ones, where each keeps its answer and its
 * request in memory until the next full collection: collections took four times as long.
 */
export function onAnswerOver(response: ServerResponse, listener: () => void): void {
  if (hasLeft(response)) return listener()
  const answer: FollowedAnswer = response
  const before = answer[listeners]
  if (before === undefined) {
    answer[listeners] = listener
    answer.on('close', callListeners)
  } else {
    const both = (): void => {
      before()
      listener()
    }
    answer[listeners] = both
  }
}

function callListeners(this: FollowedAnswer): void {
  this[listeners]?.()
}

/** Whether the connection of an answer is gone, so that its `close` may not come any more. */
function hasLeft(response: ServerResponse): boolean {
  const { stream } = response as unknown as { stream?: ServerHttp2Stream | null }
  return response.destroyed || response.closed || response.socket?.destroyed === true || stream?.destroyed === true
}
