import type { IncomingMessage, ServerResponse } from 'node:http'

type Send = (...parameters: unknown[]) => unknown

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
  const write = response.write.bind(response) as Send
  const end = response.end.bind(response) as Send
  const count = (data: unknown): void => {
    if (typeof data === 'string') bytes += Buffer.byteLength(data)
    else if (data instanceof Uint8Array) bytes += data.byteLength
  }
  response.write = ((...parameters: unknown[]) => {
    count(parameters[0])
    return write(...parameters)
  }) as typeof response.write
  response.end = ((...parameters: unknown[]) => {
    count(parameters[0])
    return end(...parameters)
  }) as typeof response.end
  return () => bytes
}
