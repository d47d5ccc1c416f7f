import { CHUNK_KINDS, type Chunk, type ChunkKind, type Value, isTextKind } from '@streamstack/protocol'
import { splitText } from '../text/split-text.ts'
import type { StepNode } from '../definition/types.ts'
import { type Frame, type Strand, chunkOf, metadataText } from '../run/index.ts'
import { durationArgument, numberArgument } from './arguments.ts'
import type { Compiler } from './compiler.ts'
import type { FunctionDefinition } from './function-definition.ts'
import { BACKLOG_CHARACTERS, type Pacing, pace, pauseMs } from './pacing.ts'
import { type RawRecords, rawRecordsSlot } from './raw-records.ts'
import { send } from './send.ts'

type ChunkBy = 'words' | 'characters' | 'sentences' | 'records'

const MINUTE_MS = 60_000

export const streamingApiResponse: FunctionDefinition = {
  name: 'Streaming API Response',
  aliases: ['Stream Response', 'Streaming Response', 'Send Chunk'],
  summary: 'Sends a chunk to everyone who reads the run.',
  parameters: {
    content: {
      kind: 'value',
      summary: 'What is sent: text, records, any JSON.',
      type: 'any',
      required: true,
      aliases: ['value', 'data'],
    },
    kind: {
      kind: 'literal',
      summary:
        'What the chunk is to readers. Without it, text is `text` and everything else `json`; other kinds reach readers whose format carries them or who ask for them with `?kinds=`.',
      type: 'text',
      values: CHUNK_KINDS.filter((kind) => kind !== 'error'),
    },
    metadata: { kind: 'value', summary: 'Goes along with the chunk, for readers that ask for it.', type: 'object' },
    final_metadata: {
      kind: 'value',
      summary: 'The same, for the last chunk of a stack; joins `metadata` when both are given.',
      type: 'object',
    },
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
        '`fixed`: `delay` between chunks. `natural`: about `delay`, longer after commas and sentences. `adaptive`: by length, faster the more is still to come. `burst`: as fast as it is made.',
      type: 'text',
      values: ['fixed', 'adaptive', 'burst', 'natural'],
      default: 'fixed',
    },
  },
  examples: [
    {
      title: 'What the model thought, which readers of the answer alone do not get',
      stack: [{ function: 'Streaming API Response', kind: 'reasoning', content: 'The user greets.' }],
      sends: ['The user greets.'],
    },
    {
      title: 'Text and metadata',
      stack: [{ function: 'Streaming API Response', content: 'Hello', metadata: { at: '{{now}}' } }],
      sends: ['Hello'],
    },
    {
      title: 'Two words at a time',
      stack: [
        { function: 'Streaming API Response', content: 'a tale of two cities', chunk_by: 'words', chunk_size: 2 },
      ],
      sends: ['a tale ', 'of two ', 'cities'],
    },
    {
      title: 'A list in parts',
      stack: [{ function: 'Streaming API Response', content: [1, 2, 3], chunk_by: 'records', chunk_size: 2 }],
      sends: [[1, 2], [3]],
    },
  ],
  compile(step, compiler) {
    const raw = rawRecordsSlot(step.parameters['content'], compiler)
    if (raw !== null) compileRaw(step, compiler, raw)
    else compileValue(step, compiler)
  },
}

/** Records that the database wrote as JSON go out untouched. */
function compileRaw(step: StepNode, compiler: Compiler, slot: number): void {
  const metadata = metadataOf(step, compiler)
  const kind = kindOf(step) ?? 'json'
  const check = compiler.value(step.parameters['content'])
  compiler.emit((frame, strand) => {
    // Gives the message for a variable that has no value yet.
    if (frame.slots[slot] === undefined) check.evaluate(frame)
    const { json } = frame.slots[slot] as RawRecords
    const chunk: Chunk = { kind, data: json, metadata: metadata(frame) }
    const delayMs = strand.run.options?.delayMs ?? 0
    const pause = delayMs > 0 ? pace(strand, delayMs) : undefined
    return pause === undefined ? send(frame, strand, chunk) : pause.then(() => send(frame, strand, chunk))
  })
}

function compileValue(step: StepNode, compiler: Compiler): void {
  const content = compiler.value(step.parameters['content'], null)
  const metadata = metadataOf(step, compiler)
  const shape = shapeOf(step, compiler)
  const kind = kindOf(step)
  const pieces = compiler.slot()
  const position = compiler.slot()
  const sharedMetadata = compiler.slot()
  const next = compiler.label()
  const done = compiler.label()
  const isShapedByStep = shape !== null

  // The whole content in one chunk, unless the step or the caller wants it otherwise.
  compiler.emit((frame, strand) => {
    const value = content.evaluate(frame)
    const data = metadata(frame)
    const isAsIs = strand.run.options === null || (kind !== null && !isTextKind(kind))
    const cut = !isShapedByStep && isAsIs ? null : cutUp(frame, strand, value, shape)
    if (cut === null) {
      frame.pc = done.pc
      return send(frame, strand, chunkOf(kind, value, data))
    }
    frame.slots[pieces] = cut
    frame.slots[position] = 0
    frame.slots[sharedMetadata] = data
    return undefined
  })

  // One piece after the other; which is next stands in the frame.
  compiler.place(next)
  compiler.emit((frame, strand) => {
    const pause = pauseBefore(
      frame,
      strand,
      shape,
      frame.slots[pieces] as readonly Value[],
      frame.slots[position] as number,
    )
    return pause === 0 ? undefined : pace(strand, pause)
  })
  compiler.emit((frame, strand) => {
    const list = frame.slots[pieces] as readonly Value[]
    const index = frame.slots[position] as number
    const chunk = chunkOf(kind, list[index] as Value, frame.slots[sharedMetadata] as string | null)
    return send(frame, strand, chunk, () => {
      frame.slots[position] = index + 1
      if (index + 1 === list.length) frame.slots[pieces] = null
      else frame.pc = next.pc
    })
  })
  compiler.place(done)
}

interface Shape {
  by: ChunkBy
  size: (frame: Frame) => number
  delayMs: (frame: Frame) => number
  pacing: Pacing
}

/** How the step itself wants its content cut and paced; null when it says nothing of it. */
function shapeOf(step: StepNode, compiler: Compiler): Shape | null {
  const { chunk_by: by, chunk_size: size, delay, pacing } = step.parameters
  if (by === undefined && size === undefined && delay === undefined && pacing === undefined) return null
  return {
    by: (by?.value ?? 'words') as ChunkBy,
    // Without `chunk_by` and `chunk_size` the content stays whole; only its pace is set.
    size:
      by === undefined && size === undefined
        ? () => Infinity
        : numberArgument(step, compiler, 'chunk_size', 1, { min: 1, integer: true }),
    delayMs: durationArgument(step, compiler, 'delay', 0, { max: MINUTE_MS }),
    pacing: (pacing?.value ?? 'fixed') as Pacing,
  }
}

/** Cut up, nothing is still one chunk: its metadata must not be lost. */
const EMPTY_TEXT: readonly Value[] = ['']

/** The pieces to send; null: the content as it is. What the caller asks for goes before what the step says. */
function cutUp(frame: Frame, strand: Strand, value: Value, shape: Shape | null): readonly Value[] | null {
  const { options } = strand.run
  const by = shape?.by ?? 'words'
  const stepSize = shape?.size(frame) ?? Infinity
  const paced = (options?.delayMs ?? 0) > 0 || shape !== null
  if (typeof value === 'string' && by !== 'records') {
    const size = options?.chunkSize ?? stepSize
    const unit = options?.chunkSize == null ? by : 'words'
    if (size !== Infinity) {
      strand.burn(value.length >> 6)
      const pieces = splitText(value, unit, size)
      return pieces.length === 0 ? EMPTY_TEXT : pieces
    }
  } else if (Array.isArray(value) && by === 'records' && stepSize !== Infinity) {
    const parts: Value[] = []
    for (let i = 0; i < value.length; i += stepSize) parts.push(value.slice(i, i + stepSize))
    return parts.length === 0 ? [value] : parts
  }
  return paced ? [value] : null
}

function pauseBefore(frame: Frame, strand: Strand, shape: Shape | null, list: readonly Value[], index: number): number {
  const callerDelayMs = strand.run.options?.delayMs ?? 0
  if (callerDelayMs > 0) return callerDelayMs
  if (shape === null) return 0
  const before = index === 0 ? '' : list[index - 1]
  let toGo = 0
  // Looks ahead no further than where adaptive pacing is at its fastest anyway.
  for (let i = index; i < list.length && toGo < BACKLOG_CHARACTERS; i++) {
    const piece = list[i]
    toGo += typeof piece === 'string' ? piece.length : 1
  }
  return pauseMs(shape.pacing, shape.delayMs(frame), typeof before === 'string' ? before : '', toGo)
}

function metadataOf(step: StepNode, compiler: Compiler): (frame: Frame) => string | null {
  const { metadata, final_metadata: finalMetadata } = step.parameters
  if (metadata === undefined && finalMetadata === undefined) return () => null
  if (metadata !== undefined && finalMetadata !== undefined) {
    const first = compiler.value(metadata)
    const second = compiler.value(finalMetadata)
    return (frame) => metadataText({ ...objectOf(first.evaluate(frame)), ...objectOf(second.evaluate(frame)) })
  }
  const expression = compiler.value(metadata ?? finalMetadata)
  if (expression.constant) {
    const text = metadataText(expression.evaluate(undefined as never))
    return () => text
  }
  return (frame) => metadataText(expression.evaluate(frame))
}

/** The kind that the step names; null: that of its content. */
function kindOf(step: StepNode): ChunkKind | null {
  return (step.parameters['kind']?.value ?? null) as ChunkKind | null
}

function objectOf(value: Value): object {
  return value as object
}
