import { StreamstackError, type Value } from '@streamstack/protocol'
import type { ParameterShape } from '../../definition/types.ts'
import { ProviderSource, type ProviderItem } from '../../provider/index.ts'
import { type Frame, type Strand } from '../../run/index.ts'
import { numberArgument } from '../parts/arguments.ts'
import type { FunctionDefinition } from '../parts/function-definition.ts'
import { requestParameters } from '../parts/outbound-request.ts'
import { compileCall, messagesOf, openCall } from '../parts/provider-call.ts'
import { modelParameters, providerParameters } from '../parts/provider-parameters.ts'
import { compileRelay, beginRelay } from '../parts/relay.ts'
import { compileRound } from '../parts/reply-round.ts'
import {
  NO_REPLY,
  callsIn,
  distinctCall,
  keepResult,
  messagesIn,
  rememberReasoning,
  slotsOf,
  turnOf,
} from '../parts/reply-state.ts'
import { flushPending } from '../parts/send.ts'
import { prepareShape, shapeParameters } from '../parts/step-shape.ts'
import { compileTools, toolFiles } from '../parts/tools.ts'
import { grownText } from '../../text/grown-text.ts'

const ROUNDS = 8

export const aiReply: FunctionDefinition = {
  name: 'AI Reply',
  aliases: ['AI Response', 'Model Reply', 'Chat Completion'],
  summary:
    "Asks a model and streams its answer to the response as it arrives: text, reasoning, calls of tools, sources and usage, each as a chunk of its kind. The step ends well only with the provider's own mark of completion. The result is `{text, finish_reason, provider, model, usage, tool_calls}`.",
  parameters: {
    provider: {
      kind: 'literal',
      summary: 'openai, anthropic, google, ollama or openai-compatible.',
      type: 'text',
      required: true,
    },
    ...modelParameters,
    model: { ...modelParameters.model, required: true },
    messages: { ...modelParameters.messages, required: true },
    tools: {
      kind: 'literal',
      summary:
        'Function files that the model may call: names, or `{function, description}`. Their declared inputs are the arguments; results go back to the model.',
      type: 'list',
    },
    max_rounds: {
      kind: 'value',
      summary: 'How often the model may be asked again with the results of its calls.',
      type: 'integer',
      default: ROUNDS,
    },
    ...providerParameters,
    headers: { ...requestParameters.headers, summary: 'Further headers of the request: name → value.' },
    body: {
      kind: 'value',
      summary: "Further members of the request body, as the provider's API names them.",
      type: 'object',
    },
    send: {
      kind: 'literal',
      summary: 'Whether the answer is sent to the response; if false, only the result is kept.',
      type: 'boolean',
      default: true,
    },
    ...shapeParameters,
    chunk_by: { ...shapeParameters.chunk_by, values: ['words', 'characters', 'sentences'] },
    connect_timeout: requestParameters.connect_timeout,
    first_byte_timeout: requestParameters.first_byte_timeout,
    idle_timeout: requestParameters.idle_timeout,
    total_timeout: {
      ...requestParameters.total_timeout,
      summary: 'From the call to the end of the answer, all tries together.',
    },
    timeout: requestParameters.timeout,
    max_bytes: requestParameters.max_bytes,
  } satisfies Record<string, ParameterShape>,
  readsUpstream: true,
  hasResult: true,
  resultDefault: 'reply',
  calls: toolFiles,
  examples: [
    {
      title: 'An answer, piece by piece',
      upstream: { 'https://api.example.com/v1/chat/completions': chatAnswer('Good ', 'morning.') },
      stack: [
        {
          function: 'AI Reply',
          provider: 'openai-compatible',
          base_url: 'https://api.example.com/v1',
          model: 'small',
          system: 'Be brief.',
          messages: 'Greet me.',
        },
      ],
      sends: [
        { state: 'started', provider: 'openai-compatible', model: 'small', finish_reason: null },
        'Good ',
        'morning.',
        { input_tokens: 8, output_tokens: 2, reasoning_tokens: null, cached_tokens: null },
        { state: 'finished', provider: 'openai-compatible', model: 'small', finish_reason: 'stop' },
      ],
    },
    {
      title: 'The answer as a value',
      upstream: { 'https://api.example.com/v1/chat/completions': chatAnswer('posi', 'tive') },
      stack: [
        {
          function: 'AI Reply',
          provider: 'openai-compatible',
          base_url: 'https://api.example.com/v1',
          model: 'small',
          messages: 'Is "I love it" positive or negative? One word.',
          send: false,
          as: 'verdict',
        },
        { function: 'Streaming API Response', content: '{{verdict.text}} ({{verdict.finish_reason}})' },
      ],
      sends: ['positive (stop)'],
    },
    {
      title: 'An answer that is cut off is no answer',
      upstream: {
        'https://api.example.com/v1/chat/completions': {
          type: 'text/event-stream',
          body: 'data: {"model":"small","choices":[{"delta":{"content":"Good "}}]}\n\n',
        },
      },
      stack: [
        {
          function: 'AI Reply',
          provider: 'openai-compatible',
          base_url: 'https://api.example.com/v1',
          model: 'small',
          messages: 'Greet me.',
        },
      ],
      sends: [{ state: 'started', provider: 'openai-compatible', model: 'small', finish_reason: null }, 'Good '],
      fails: 'upstream_failed',
    },
  ],
  compile(step, compiler) {
    const call = compileCall(step, compiler)
    const tools = compileTools(step, compiler)
    if (call === null) return
    const messages = compiler.value(step.parameters['messages'], null)
    const roundsMax = numberArgument(step, compiler, 'max_rounds', ROUNDS, { min: 0, max: 100, integer: true })
    const isSent = step.parameters['send']?.value !== false
    const slots = slotsOf(step, compiler)
    const progress = beginRelay(compiler)
    const ask = compiler.label()
    const next = compiler.label()
    const done = compiler.label()

    compiler.emit((frame, strand) => {
      if (slots.result !== -1) frame.slots[slots.result] = NO_REPLY
      frame.slots[slots.messages] = messagesOf(messages.evaluate(frame), strand)
      frame.slots[slots.round] = 0
    })

    compiler.place(ask)
    compiler.emit((frame, strand) => {
      const conversation = { messages: messagesIn(frame, slots), tools: tools.map(({ tool }) => tool) }
      return openCall(call(frame, strand, conversation), step, strand).then((number) => {
        frame.slots[slots.source] = number
        frame.slots[slots.text] = ''
        frame.slots[slots.calls] = []
      })
    })
    /** An answer that breaks off leaves what there is of it, for catch and finally blocks. */
    const breakOff =
      (frame: Frame, strand: Strand) =>
      (thrown: unknown): never => {
        keepResult(frame, strand, slots)
        strand.run.closeSource(frame.slots[slots.source] as number)
        throw thrown
      }

    compiler.place(next)
    const take = (frame: Frame, item: Value | undefined): void => {
      if (item === undefined) frame.pc = done.pc
      else frame.slots[slots.item] = item
    }
    compiler.emit((frame, strand) => {
      const item = sourceOf(strand.run.source(frame.slots[slots.source] as number)).next()
      // The source ends with the strand that opened it, so nothing else has to be waited for.
      if (!(item instanceof Promise)) return take(frame, item)
      return item.then((late) => take(frame, late), breakOff(frame, strand))
    })
    // The result is kept up to date only for stacks that look at it, and the text only for them or for another round.
    const isRead = step.as !== null && compiler.mentions(step.as)
    const isTextKept = isRead || tools.length > 0
    compiler.emit((frame, strand) => {
      const item = frame.slots[slots.item] as ProviderItem
      if (item.kind === 'tool_call') {
        const { answer } = sourceOf(strand.run.source(frame.slots[slots.source] as number))
        const call = distinctCall(item, frame, slots, answer)
        frame.slots[slots.item] = call
        frame.slots[slots.calls] = [...callsIn(frame, slots), call]
      } else if (item.kind === 'text' && isTextKept)
        frame.slots[slots.text] = grownText(frame.slots[slots.text] as string, item.text)
      if (isRead) keepResult(frame, strand, slots)
    })
    if (isSent) {
      const itemOf = (frame: Frame): ProviderItem => frame.slots[slots.item] as ProviderItem
      compileRelay(compiler, { shape: prepareShape(step, compiler), slots: progress, itemOf })
    }
    compiler.jump(next)

    compiler.place(done)
    compiler.emit((frame, strand) => {
      const number = frame.slots[slots.source] as number
      const { answer } = sourceOf(strand.run.source(number))
      const calls = callsIn(frame, slots)
      frame.slots[slots.item] = null
      keepResult(frame, strand, slots)
      if (isSent && tools.length > 0) rememberReasoning(frame, strand, slots, answer)
      if (calls.length > 0 && tools.length > 0) {
        frame.slots[slots.messages] = [...messagesIn(frame, slots), turnOf(frame, slots, answer)]
      }
      strand.run.closeSource(number)
      return flushPending(strand)
    })
    if (tools.length > 0) compileRound(step, compiler, { slots, tools, isSent, roundsMax, ask: ask })
    compiler.emit((frame) => {
      for (const slot of [slots.messages, slots.text, slots.calls, slots.results]) frame.slots[slot] = null
    })
  },
}

function sourceOf(source: unknown): ProviderSource {
  if (source instanceof ProviderSource) return source
  throw new StreamstackError('abandoned', 'The answer of the model was open in a process that is gone.')
}

/** What an example's model says. */
function chatAnswer(...pieces: readonly string[]): { type: string; body: string } {
  const deltas = pieces.map((content) => ({ model: 'small', choices: [{ delta: { content } }] }))
  const ends = [
    { model: 'small', choices: [{ delta: {}, finish_reason: 'stop' }] },
    { choices: [], usage: { prompt_tokens: 8, completion_tokens: pieces.length } },
  ]
  const frames = [...deltas, ...ends].map((frame) => `data: ${JSON.stringify(frame)}\n\n`)
  return { type: 'text/event-stream', body: `${frames.join('')}data: [DONE]\n\n` }
}
