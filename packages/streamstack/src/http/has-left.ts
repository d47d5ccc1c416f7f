import type { ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'

/** Whether the connection of an answer is gone, so that its `close` will not come any more. */
export function hasLeft(response: ServerResponse): boolean {
  const { stream } = response as unknown as { stream?: ServerHttp2Stream | null }
  return response.destroyed || response.closed || response.socket?.destroyed === true || stream?.destroyed === true
}
