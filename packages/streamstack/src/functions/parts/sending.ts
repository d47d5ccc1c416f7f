import { type Chunk, type ChunkKind, type Value, isTextKind } from '@streamstack/protocol'
import { type Frame, type Strand, chunkOf } from '../../run/index.ts'
import type { TextUnit } from '../../text/split-text.ts'
import type { Compiler } from './compiler.ts'
import { type Sending, cutUp } from './cut-content.ts'
import { BACKLOG_CHARACTERS, isPaced, pace } from './pacing.ts'
import { send } from './send.ts'
import { type StepShape, isSmooth, paceOf, smoothCut } from './step-shape.ts'

/** Slots of `piece_index` and `piece_count`. */
export interface PieceSlots {
  readonly index: number
  /** Null while the count is unknown. */
  readonly count: number
}

interface SendingParts {
  /** Null: the step says nothing of it. */
  readonly shape: StepShape | null
  /** Gives what is sent now; null: nothing. */
  prepare(this: void, frame: Frame, strand: Strand): Sending | null
  /** The same as the one chunk that it is when neither the step nor the caller wants it cut or paced, as most are. */
  whole?(this: void, frame: Frame): Chunk | null
  /** Metadata that differs from piece to piece; it goes before that of the sending. */
  readonly pieces?: { readonly slots: PieceSlots; metadata(this: void, frame: Frame): string | null }
  /** Metadata of the pieces of text that counts what is sent, whichever deltas it came in; instead of that of `prepare`. */
  readonly progress?: Progress
}

/** Counts what a stream of text has sent. */
export interface Progress {
  /** Of the next piece, which holds this text. */
  metadata(this: void, frame: Frame, strand: Strand, text: string): string
  sent(this: void, frame: Frame, text: string): void
  /** The text waits for the rest of its piece. */
  kept(this: void, frame: Frame, text: string): void
  /** What waited went out alone. */
  flushed(this: void, frame: Frame): void
}

/**
 * Compiles the sending of one value: cut and paced as the step and the caller want it, whole where neither says anything. Which piece is
 * next stands in the frame.
 */
export function compileSending(compiler: Compiler, { shape, prepare, whole, pieces, progress }: SendingParts): void {
  const list = compiler.slot()
  const position = compiler.slot()
  const shared = compiler.slot()
  const rest = compiler.slot()
  const next = compiler.label()
  const done = compiler.label()

  const place = (frame: Frame, index: number, count: number | null): void => {
    if (pieces === undefined) return
    frame.slots[pieces.slots.index] = index
    frame.slots[pieces.slots.count] = count
  }
  const metadataOf = (
    frame: Frame,
    strand: Strand,
    { metadata, kind }: Pick<Sending, 'metadata' | 'kind'>,
    piece: Value,
  ): string | null => {
    if (progress !== undefined && kind === 'text') return progress.metadata(frame, strand, piece as string)
    return pieces === undefined ? metadata : pieces.metadata(frame)
  }
  const noteSent = (frame: Frame, kind: ChunkKind | null, piece: Value): void => {
    if (kind === 'text') progress?.sent(frame, piece as string)
  }

  const isPlain = shape === null && pieces === undefined
  compiler.emit((frame, strand) => {
    if (isPlain && whole !== undefined && strand.run.state.options === null) {
      const chunk = whole(frame)
      frame.pc = done.pc
      return chunk === null ? undefined : send(frame, strand, chunk)
    }
    const sending = prepare(frame, strand)
    if (sending === null) {
      frame.pc = done.pc
      return undefined
    }
    const { value, kind } = sending
    const cut = cutUp(frame, strand, sending, shape, `${frame.program}:${list}`)
    if (cut === null) {
      frame.pc = done.pc
      place(frame, 0, 1)
      const chunk = chunkOf(kind, value, metadataOf(frame, strand, sending, value))
      noteSent(frame, kind, value)
      if (!isSmooth(strand, shape) || !isTextKind(chunk.kind)) return send(frame, strand, chunk)
      return send(frame, strand, chunk, { smoothly: smoothCut(frame, strand, shape as StepShape) })
    }
    const { joined } = cut
    if (joined?.isNew === true && kind === 'text') progress?.flushed(frame)
    frame.slots[list] = cut.pieces
    frame.slots[position] = 0
    frame.slots[shared] = {
      metadata: sending.metadata,
      kind,
      first: joined?.first ?? 0,
      count: joined === null ? cut.pieces.length : null,
    }
    frame.slots[rest] = joined === null ? null : { text: joined.rest, unit: joined.unit }
    if (cut.pieces.length > 0) return undefined
    frame.pc = done.pc
    keepRest(frame, strand)
    return undefined
  })

  const keepRest = (frame: Frame, strand: Strand): void => {
    const kept = frame.slots[rest] as { text: string; unit: TextUnit } | null
    const common = frame.slots[shared] as unknown as Shared
    const { kind, first } = common
    const sent = (frame.slots[list] as readonly Value[]).length
    frame.slots[list] = null
    if (kept === null) return
    place(frame, first + sent, null)
    strand.run.outlet.keepPending({
      ...kept,
      step: `${frame.program}:${list}`,
      kind: kind ?? 'text',
      metadata: kept.text === '' ? null : metadataOf(frame, strand, common, kept.text),
      pieces: first + sent,
    })
    if (kind === 'text') progress?.kept(frame, kept.text)
  }

  // One piece after the other; which is next stands in the frame.
  compiler.place(next)
  compiler.emit((frame, strand) => {
    const how = paceOf(frame, strand, shape)
    if (!isPaced(how)) return undefined
    const values = frame.slots[list] as readonly Value[]
    const index = frame.slots[position] as number
    const piece = values[index]
    return pace(strand, how, typeof piece === 'string' ? piece : null, charactersFrom(values, index))
  })
  compiler.emit((frame, strand) => {
    const values = frame.slots[list] as readonly Value[]
    const index = frame.slots[position] as number
    const common = frame.slots[shared] as unknown as Shared
    const { kind, first, count } = common
    const piece = values[index] as Value
    place(frame, first + index, count)
    const chunk = chunkOf(kind, piece, metadataOf(frame, strand, common, piece))
    return send(frame, strand, chunk, {
      sent() {
        noteSent(frame, kind, piece)
        frame.slots[position] = index + 1
        if (index + 1 === values.length) keepRest(frame, strand)
        else frame.pc = next.pc
      },
    })
  })
  compiler.place(done)
}

/** What the pieces of one content share. */
interface Shared {
  readonly metadata: string | null
  readonly kind: ChunkKind | null
  /** Index of the first of them among all pieces of their stream. */
  readonly first: number
  readonly count: number | null
}

/** Looks ahead no further than where adaptive pacing is at its fastest anyway. */
function charactersFrom(values: readonly Value[], index: number): number {
  let characters = 0
  for (let i = index; i < values.length && characters < BACKLOG_CHARACTERS; i++) {
    const piece = values[i]
    characters += typeof piece === 'string' ? piece.length : 1
  }
  return characters
}
