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
 * All who ask share one listener, and it is not a `once`: of either node:events makes an object that V8 may come to allocate among the old ones, where it
 * keeps the answer and its request in memory until the next full collection. For the same reason no function literal is assigned to the property below.
 * docs/decisions/2026-11-23-what-collections-keep.md has the figures.
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
export function hasLeft(response: ServerResponse): boolean {
  const { stream } = response as unknown as { stream?: ServerHttp2Stream | null }
  return response.destroyed || response.closed || response.socket?.destroyed === true || stream?.destroyed === true
}
