import type { IncomingMessage } from 'node:http'
import { type ServerHttp2Stream, constants } from 'node:http2'

/**
 * Once the answer is out, tells an HTTP/2 client that the rest of its body is not wanted (RFC 9113 §8.1); it would else wait for ever to
 * send it, and the stream stay open. Over HTTP/1.1 Node reads the rest away.
 */
export function refuseRest(request: IncomingMessage): void {
  const { stream } = request as unknown as { stream: ServerHttp2Stream }
  if (stream.endAfterHeaders) return
  stream.once('finish', () => {
    if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
  })
}
