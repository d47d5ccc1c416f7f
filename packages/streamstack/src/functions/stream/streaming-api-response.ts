import { CHUNK_KINDS, type ChunkKind, type Value } from '@streamstack/protocol'
import type { StepNode } from '../../definition/types.ts'
import type { Expression } from '../../expression/index.ts'
import { type Frame, type Strand, chunkOf, metadataText } from '../../run/index.ts'
import type { Compiler } from '../parts/compiler.ts'
import type { FunctionDefinition } from '../parts/function-definition.ts'
import { type Pace, isPaced, pace } from '../parts/pacing.ts'
import { type RawRecords, rawRecordsSlot } from '../parts/raw-records.ts'
import { send } from '../parts/send.ts'
import { compileSending } from '../parts/sending.ts'
import { prepareShape, shapeParameters } from '../parts/step-shape.ts'

export const streamingApiResponse: FunctionDefinition = {
  name: 'Streaming API Response',
  aliases: ['Stream Response', 'Streaming Response', 'Send Chunk'],
  summary: 'Sends a chunk to all readers of the run.',
  parameters: {
    content: {
      kind: 'value',
      summary: 'Content of the chunk: text, records, any JSON. Null sends nothing.',
      type: 'any',
      required: true,
      aliases: ['value', 'data'],
    },
    kind: {
      kind: 'literal',
      summary:
        'Kind of the chunk. Default: `text` for text, `json` for everything else. Readers receive other kinds if their format carries them or if they request them with `?kinds=`.',
      type: 'text',
      values: CHUNK_KINDS.filter((kind) => kind !== 'error'),
    },
    metadata: {
      kind: 'value',
      summary:
        'Metadata of the chunk, for readers that request it. If the content is split, `piece_index` (from 0) and `piece_count` (null while unknown) are added.',
      type: 'object',
    },
    final_metadata: {
      kind: 'value',
      summary: 'The same, for the last chunk of a stack; joins `metadata` when both are given.',
      type: 'object',
    },
    ...shapeParameters,
    join: {
      kind: 'literal',
      summary:
        'Whether text continues what the step sent before, so that pieces are cut across both. Default: true inside a loop over a streamed answer, where `chunk_by: words, chunk_size: 3` sends three words per chunk, regardless of the deltas.',
      type: 'boolean',
    },
    send_null: {
      kind: 'literal',
      summary: 'Whether a content of null is sent, as JSON. Without it, null sends nothing.',
      type: 'boolean',
      default: false,
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
      title: 'Each piece with its place among them',
      stack: [
        {
          function: 'Streaming API Response',
          content: 'one two three',
          chunk_by: 'words',
          metadata: { chunk_index: '{{piece_index}}', total_chunks: '{{piece_count}}' },
        },
      ],
      sends: ['one ', 'two ', 'three'],
    },
    {
      title: 'Three words a chunk, however a model cuts its deltas; an event without content sends nothing',
      upstream: {
        'https://api.example.com/chat': {
          type: 'text/event-stream',
          body: 'data: {"role":"model"}\n\ndata: {"delta":"one tw"}\n\ndata: {"delta":"o three fo"}\n\ndata: {"delta":"ur"}\n\ndata: [DONE]\n\n',
        },
      },
      stack: [
        {
          function: 'External API Request (Streaming)',
          url: 'https://api.example.com/chat',
          until: '[DONE]',
          inner_functions: [
            { function: 'Streaming API Response', content: '{{item.delta}}', chunk_by: 'words', chunk_size: 3 },
          ],
        },
      ],
      sends: ['one two three ', 'four'],
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
  const paceOf = (strand: Strand): Pace => ({
    pacing: 'fixed',
    delayMs: 0,
    callerDelayMs: strand.run.options?.delayMs ?? null,
  })
  compiler.emit((_, strand) => {
    const how = paceOf(strand)
    return isPaced(how) ? pace(strand, how, null, 1) : undefined
  })
  compiler.emit((frame, strand) => {
    // Gives the message for a variable that has no value yet.
    if (frame.slots[slot] === undefined) check.evaluate(frame)
    const { json } = frame.slots[slot] as RawRecords
    return send(frame, strand, { kind, data: json, metadata: metadata.evaluate(frame) })
  })
}

function compileValue(step: StepNode, compiler: Compiler): void {
  const content = compiler.value(step.parameters['content'], null)
  const slots = { index: compiler.slot(0), count: compiler.slot(1) }
  const names = new Map([
    ['piece_index', slots.index],
    ['piece_count', slots.count],
  ])
  let metadata: Metadata = NO_METADATA
  compiler.withNames(names, () => {
    metadata = metadataOf(step, compiler)
  })
  const { evaluate, isPerPiece } = metadata
  const kind = kindOf(step)
  const sendsNull = step.parameters['send_null']?.value === true
  const join = step.parameters['join']?.value
  const { streamLengthSlot } = compiler
  const joins = (frame: Frame): boolean =>
    typeof join === 'boolean' ? join : streamLengthSlot !== null && frame.slots[streamLengthSlot] === null
  compileSending(compiler, {
    shape: prepareShape(step, compiler),
    whole(frame) {
      if (content.json !== null) return { kind: kind ?? 'json', data: content.json(frame), metadata: evaluate(frame) }
      const value = content.evaluate(frame)
      return !sendsNull && isNull(value) ? null : chunkOf(kind, value, evaluate(frame))
    },
    prepare(frame) {
      const value = content.evaluate(frame)
      if (!sendsNull && isNull(value)) return null
      return { value, kind, metadata: isPerPiece ? null : evaluate(frame), joins: joins(frame) }
    },
    ...(isPerPiece ? { pieces: { slots, metadata: evaluate } } : {}),
  })
}

/** As JSON writes it: a number that is none is null there, too. */
function isNull(value: Value): boolean {
  return value === null || (typeof value === 'number' && !Number.isFinite(value))
}

interface Metadata {
  evaluate(this: void, frame: Frame): string | null
  /** Whether it names the piece, and so is another for each. */
  readonly isPerPiece: boolean
}

const NO_METADATA: Metadata = { evaluate: () => null, isPerPiece: false }

function metadataOf(step: StepNode, compiler: Compiler): Metadata {
  const nodes = [step.parameters['metadata'], step.parameters['final_metadata']].filter((node) => node !== undefined)
  const [first, second] = nodes.map((node) => compiler.value(node))
  if (first === undefined) return NO_METADATA
  const isPerPiece = [first, second].some((expression) => expression !== undefined && namesPiece(expression))
  if (second !== undefined) {
    const merged = (frame: Frame): Value => ({
      ...objectOf(first.evaluate(frame)),
      ...objectOf(second.evaluate(frame)),
    })
    return { evaluate: (frame) => metadataText(merged(frame)), isPerPiece }
  }
  if (first.json !== null) return { evaluate: first.json, isPerPiece }
  if (!first.constant) return { evaluate: (frame) => metadataText(first.evaluate(frame)), isPerPiece }
  const text = metadataText(first.evaluate(undefined as never))
  return { evaluate: () => text, isPerPiece }
}

function namesPiece({ references }: Expression<Frame>): boolean {
  return references.some(({ name }) => name === 'piece_index' || name === 'piece_count')
}

/** The kind that the step names; null: that of its content. */
function kindOf(step: StepNode): ChunkKind | null {
  return (step.parameters['kind']?.value ?? null) as ChunkKind | null
}

/** Anything but an object has no members to join. */
function objectOf(value: Value): { readonly [key: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as { readonly [key: string]: Value })
    : {}
}
