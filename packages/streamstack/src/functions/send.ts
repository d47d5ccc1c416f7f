import type { Chunk } from '@streamstack/protocol'
import type { Frame, Strand } from '../run/index.ts'

/**
 * Sends a chunk through the run's outlet and calls `sent`; a promise means that readers are behind. While another branch of the run waits
 * for readers this one waits first, or each would add a chunk to what the stream must hold.
 */
export function send(frame: Frame, strand: Strand, chunk: Chunk, sent?: () => void): void | Promise<void> {
  if (chunk.data.length > 4_096) strand.burn(chunk.data.length >> 9)
  const { outlet, stream } = strand.run
  if (stream.isCongested) return sendInTurn(frame, strand, chunk, sent)
  const room = outlet.send(chunk)
  sent?.()
  if (room === undefined) return undefined
  strand.done()
  return strand.untilEnded(room)
}

async function sendInTurn(frame: Frame, strand: Strand, chunk: Chunk, sent?: () => void): Promise<void> {
  const { outlet, stream } = strand.run
  while (stream.isCongested) await strand.untilEnded(stream.room())
  const room = outlet.send(chunk)
  sent?.()
  if (room === undefined) return
  // The rest is waiting only, as `strand.done` says of an op that has not returned yet.
  frame.waitingAt = -1
  await strand.untilEnded(room)
}
