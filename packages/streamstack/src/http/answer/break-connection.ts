import type { ServerResponse } from 'node:http'
import { type ServerHttp2Stream, constants } from 'node:http2'

const broken = new WeakSet<ServerResponse>()

/** Whether an answer was ended by `breakConnection`, though its last words may wait for its reader. */
export function isBroken(response: ServerResponse): boolean {
  return broken.has(response)
}

/**
 * Ends an answer so that no client can take it for whole: the last words are sent, then the connection closes without the end that HTTP promises (RFC 9112 §7.1, RFC 9113 §5.4.2).
 */
export function breakConnection(response: ServerResponse, lastWords: string | Buffer): void {
  broken.add(response)
  const { stream } = response as unknown as { stream?: ServerHttp2Stream }
  const close = (): void => {
    if (stream !== undefined) stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    // Without chunks the end of the connection is the end of the answer: only a reset tells the difference.
    else if (response.req.httpVersion === '1.0') response.socket?.resetAndDestroy()
    else response.socket?.destroySoon()
  }
  if (lastWords.length === 0) response.write('', close)
  else response.write(lastWords, close)
}
