import type { Chunk } from '@streamstack/protocol'
import type { Frame, SmoothCut, Strand } from '../../run/index.ts'

interface SendOptions {
  /** Called when the chunk is on its way. */
  readonly sent?: () => void
  /** Sends text at an even pace, cut like this. */
  readonly smoothly?: SmoothCut
}

/**
 * Sends a chunk through the run's outlet; a promise means that readers are behind. While another branch of the run waits for readers this
 * one waits first, or each would add a chunk to what the stream must hold.
 */
export function send(
  frame: Frame,
  strand: Strand,
  chunk: Chunk,
  options: SendOptions | null = null,
): void | Promise<void> {
  if (chunk.data.length > 4_096) strand.burn(chunk.data.length >> 9)
  if (strand.run.stream.isCongested) return sendInTurn(frame, strand, chunk, options)
  const room = sendNow(strand, chunk, options)
  if (room === undefined) return undefined
  strand.done()
  return strand.untilEnded(room)
}

async function sendInTurn(frame: Frame, strand: Strand, chunk: Chunk, options: SendOptions | null): Promise<void> {
  const { stream } = strand.run
  while (stream.isCongested) await strand.untilEnded(stream.room())
  const room = sendNow(strand, chunk, options)
  if (room === undefined) return
  // The rest is waiting only, as `strand.done` says of an op that has not returned yet.
  frame.waitingAt = -1
  await strand.untilEnded(room)
}

function sendNow({ run: { outlet } }: Strand, chunk: Chunk, options: SendOptions | null): void | Promise<void> {
  if (options === null) return outlet.send(chunk)
  const { sent, smoothly } = options
  const room = smoothly === undefined ? outlet.send(chunk) : outlet.sendSmoothly(chunk, smoothly)
  sent?.()
  return room
}

/** Sends what is left of joined text, behind the stream that it came from. */
export function flushPending(strand: Strand): void | Promise<void> {
  const room = strand.run.outlet.flushPending()
  if (room === undefined) return undefined
  strand.done()
  return strand.untilEnded(room)
}
