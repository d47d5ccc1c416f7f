import { type ChunkKind, type Value, isTextKind } from '@streamstack/protocol'
import type { Frame, Strand } from '../../run/index.ts'
import { type TextUnit, splitText, takePieces } from '../../text/split-text.ts'
import { isPaced } from './pacing.ts'
import { type StepShape, isSmooth, paceOf } from './step-shape.ts'

/** What a step sends. */
export interface Sending {
  readonly value: Value
  /** Null: that of the value. */
  readonly kind: ChunkKind | null
  readonly metadata: string | null
  /** Whether text continues what the step sent before, so that pieces are cut across both. */
  readonly joins: boolean
}

/** Content in pieces. */
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
export function cutUp(
  frame: Frame,
  strand: Strand,
  sending: Sending,
  shape: StepShape | null,
  step: string,
): Cut | null {
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
