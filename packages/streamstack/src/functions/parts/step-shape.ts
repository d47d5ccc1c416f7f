import type { ParameterShape, StepNode } from '../../definition/types.ts'
import type { Frame, Strand } from '../../run/index.ts'
import type { TextUnit } from '../../text/split-text.ts'
import { durationArgument, numberArgument } from './arguments.ts'
import type { Compiler } from './compiler.ts'
import type { Pace, Pacing } from './pacing.ts'

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

/** How chunks of a step are paced now: by the step and by its caller. */
export function paceOf(frame: Frame, strand: Strand, shape: StepShape | null): Pace {
  return {
    pacing: shape?.pacing ?? 'fixed',
    delayMs: shape?.delayMs(frame) ?? 0,
    callerDelayMs: strand.run.options?.delayMs ?? null,
  }
}

/** Whether text of a step is sent as evenly as it can be read. */
export function isSmooth(strand: Strand, shape: StepShape | null): boolean {
  return shape?.pacing === 'smooth' && strand.run.options?.delayMs !== 0
}

/** The pieces in which such text is sent. `size` null: as they come. */
export function smoothCut(frame: Frame, strand: Strand, shape: StepShape): { unit: TextUnit; size: number | null } {
  const asked = strand.run.options?.chunkSize ?? null
  if (asked !== null) return { unit: 'words', size: asked }
  if (!shape.isSized || shape.by === 'records') return { unit: 'characters', size: null }
  return { unit: shape.by, size: shape.size(frame) }
}
