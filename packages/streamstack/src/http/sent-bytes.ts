import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * Returns a function that tells how many bytes of an answer were written so far: with HTTP/1.1 to the connection, head included; with HTTP/2 of its body,
 * because Node counts only the bytes of the whole session.
 */
export function countSentBytes({ httpVersionMajor, socket }: IncomingMessage, response: ServerResponse): () => number {
  if (httpVersionMajor !== 2) {
    const before = socket.bytesWritten
    return () => socket.bytesWritten - before
  }
  let bytes = 0
  const { write, end } = response
  const counting = (method: typeof write | typeof end) =>
    function (this: ServerResponse, ...parameters: unknown[]): unknown {
      const [data] = parameters
      if (typeof data === 'string') bytes += Buffer.byteLength(data)
      else if (data instanceof Uint8Array) bytes += data.byteLength
      return Reflect.apply(method, this, parameters)
    }
  response.write = counting(write) as typeof write
  response.end = counting(end) as typeof end
  return () => bytes
}
