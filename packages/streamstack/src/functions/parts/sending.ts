import { type Chunk, type ChunkKind, type Value, isTextKind } from '@streamstack/protocol'
import type { ParameterShape, StepNode } from '../../definition/types.ts'
import { type Frame, type Strand, chunkOf } from '../../run/index.ts'
import { type TextUnit, splitText, takePieces } from '../../text/split-text.ts'
import { durationArgument, numberArgument } from './arguments.ts'
import type { Compiler } from './compiler.ts'
import { BACKLOG_CHARACTERS, type Pace, type Pacing, isPaced, pace } from './pacing.ts'
import { send } from './send.ts'

type ChunkBy = Exclude<TextUnit, 'lines'> | 'records'

const MINUTE_MS = 60_000

/** Between chunks that are paced like speech where the step gives no delay: a word in this time is a quick reader's. */
const NATURAL_DELAY_MS = 50

/** Parameters that say how content is cut and paced. */
export const shapeParameters = {
  chunk_by: {
    kind: 'literal',
    summary: 'Cuts the content into chunks: text by words, characters or sentences, a list by records.',
    type: 'text',
    values: ['words', 'characters', 'sentences', 'records'],
    aliases: ['chunking'],
  },
  chunk_size: { kind: 'value', summary: 'How many of them a chunk has.', type: 'integer', default: 1 },
  delay: {
    kind: 'value',
    summary: 'Time between chunks, as `50ms` or a number of milliseconds; at most a minute.',
    type: 'duration',
    default: 0,
  },
  pacing: {
    kind: 'literal',
    summary:
      '`fixed`: `delay` between chunks. `natural`: about `delay` (50 ms unless set), longer after commas and sentences. `adaptive`: by length, faster the more is still to come. `smooth`: evens out bursts of a model, at most a second behind it. `burst`: as fast as it is made.',
    type: 'text',
    values: ['fixed', 'adaptive', 'burst', 'natural', 'smooth'],
    default: 'fixed',
  },
} as const satisfies Record<string, ParameterShape>

/** What a step sends. */
export interface Sending {
  readonly value: Value
  /** Null: that of the value. */
  readonly kind: ChunkKind | null
  readonly metadata: string | null
  /** Whether text continues what the step sent before, so that pieces are cut across both. */
  readonly joins: boolean
}

/** Slots of `piece_index` and `piece_count`. */
export interface PieceSlots {
  readonly index: number
  /** Null while the count is unknown. */
  readonly count: number
}

/** How a step wants its content cut and paced. */
export interface StepShape {
  readonly by: ChunkBy
  /** Infinity: the content stays whole. */
  readonly size: (frame: Frame) => number
  readonly delayMs: (frame: Frame) => number
  readonly pacing: Pacing
  /** Whether the step names a size. */
  readonly isSized: boolean
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

/** Reads `chunk_by`, `chunk_size`, `delay` and `pacing` of a step; null when it says nothing of them. */
export function prepareShape(step: StepNode, compiler: Compiler): StepShape | null {
  const { chunk_by: by, chunk_size: size, delay, pacing } = step.parameters
  if (by === undefined && size === undefined && delay === undefined && pacing === undefined) return null
  const isSized = by !== undefined || size !== undefined
  return {
    by: (by?.value ?? 'words') as ChunkBy,
    size: isSized ? numberArgument(step, compiler, 'chunk_size', 1, { min: 1, integer: true }) : () => Infinity,
    delayMs: durationArgument(step, compiler, 'delay', pacing?.value === 'natural' ? NATURAL_DELAY_MS : 0, {
      max: MINUTE_MS,
    }),
    pacing: (pacing?.value ?? 'fixed') as Pacing,
    isSized,
  }
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

interface Cut {
  readonly pieces: readonly Value[]
  /** Of text that continues: what is left for the next piece. `isNew`: nothing waited that it continues. */
  readonly joined: {
    readonly rest: string
    readonly unit: TextUnit
    readonly first: number
    readonly isNew: boolean
  } | null
}

/** Cut up, nothing is still one chunk: its metadata must not be lost. */
const EMPTY_TEXT: readonly Value[] = ['']

/** The pieces to send; null: the content as it is. The caller's size goes before that of the step. */
function cutUp(frame: Frame, strand: Strand, sending: Sending, shape: StepShape | null, step: string): Cut | null {
  const { options } = strand.run
  if (shape === null && options === null) return null
  const { value, kind, joins } = sending
  const isText = typeof value === 'string' && (kind === null || isTextKind(kind))
  if (isText && isSmooth(strand, shape)) return null
  const by = shape?.by ?? 'words'
  if (isText) {
    const size = options?.chunkSize ?? (by === 'records' ? Infinity : (shape?.size(frame) ?? Infinity))
    const unit = options?.chunkSize == null && by !== 'records' ? by : 'words'
    if (size !== Infinity) {
      strand.burn(value.length >> 6)
      if (joins) return cutJoined(strand, value, { step, kind: kind ?? 'text', unit }, size)
      const pieces = splitText(value, unit, size)
      return { pieces: pieces.length === 0 ? EMPTY_TEXT : pieces, joined: null }
    }
  } else if (Array.isArray(value) && by === 'records') {
    const size = shape?.size(frame) ?? Infinity
    if (size !== Infinity) return { pieces: records(value, size), joined: null }
  }
  return isPaced(paceOf(frame, strand, shape)) ? { pieces: [value], joined: null } : null
}

function cutJoined(
  strand: Strand,
  value: string,
  of: { readonly step: string; readonly kind: ChunkKind; readonly unit: TextUnit },
  size: number,
): Cut {
  const before = strand.run.outlet.takePending(of)
  const { pieces, rest } = takePieces((before?.text ?? '') + value, of.unit, size)
  return { pieces, joined: { rest, unit: of.unit, first: before?.pieces ?? 0, isNew: before === null } }
}

function records(value: readonly Value[], size: number): readonly Value[] {
  const parts: Value[] = []
  for (let i = 0; i < value.length; i += size) parts.push(value.slice(i, i + size))
  return parts.length === 0 ? [value] : parts
}

function paceOf(frame: Frame, strand: Strand, shape: StepShape | null): Pace {
  return {
    pacing: shape?.pacing ?? 'fixed',
    delayMs: shape?.delayMs(frame) ?? 0,
    callerDelayMs: strand.run.options?.delayMs ?? null,
  }
}

function isSmooth(strand: Strand, shape: StepShape | null): boolean {
  return shape?.pacing === 'smooth' && strand.run.options?.delayMs !== 0
}

function smoothCut(frame: Frame, strand: Strand, shape: StepShape): { unit: TextUnit; size: number | null } {
  const asked = strand.run.options?.chunkSize ?? null
  if (asked !== null) return { unit: 'words', size: asked }
  if (!shape.isSized || shape.by === 'records') return { unit: 'characters', size: null }
  return { unit: shape.by, size: shape.size(frame) }
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
