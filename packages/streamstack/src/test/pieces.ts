import type { UpstreamAnswer } from './test-case.ts'

/** Cuts the body of an answer into the pieces that the runner sends one by one: `pieceBytes` bytes each, or events of SSE, or lines. */
export function piecesOf({
  body,
  pieceBytes,
  headers,
}: Pick<UpstreamAnswer, 'body' | 'pieceBytes' | 'headers'>): Buffer[] {
  const pieces: Buffer[] = []
  if (pieceBytes !== null) {
    for (let from = 0; from < body.length; from += pieceBytes) pieces.push(body.subarray(from, from + pieceBytes))
    return pieces
  }
  const isEvents = headers['content-type']?.startsWith('text/event-stream') === true
  const border = isEvents ? /(?<=\n\n|\r\n\r\n|\r\r)/ : /(?<=\n)/
  return body
    .toString('latin1')
    .split(border)
    .map((piece) => Buffer.from(piece, 'latin1'))
}
