import { CHUNK_KINDS, type ChunkKinds } from '../chunk-kind.ts'
import type { Chunk } from '../chunk.ts'
import type { PublicError } from '../errors.ts'
import {
  type AnswerEnd,
  type AnswerFormat,
  type EncodeOptions,
  type EncodedStream,
  type Encoder,
  streaming,
} from './format.ts'

const DONE = '[DONE]'

const FINISH_REASONS: ReadonlySet<string> = new Set(['stop', 'length', 'tool_calls', 'content_filter'])

/** Clients that do not ask for the usage expect a choice in each event, which its own has not. */
const WITHOUT_USAGE: ChunkKinds = new Set(CHUNK_KINDS.filter((kind) => kind !== 'usage'))

interface ToolCall {
  readonly id: string
  readonly name: string
  readonly arguments: string
}

/** As the API reports it. */
interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  readonly prompt_tokens_details?: { readonly cached_tokens: number }
  readonly completion_tokens_details?: { readonly reasoning_tokens: number }
}

/** State of the encoder; its JSON is the encoder's `state`. */
interface State {
  /** Whether the role was sent. */
  readonly said: boolean
  readonly model: string
  readonly finish: string
  /** Calls without a result: the server has not run them, so the client is to. */
  readonly calls: readonly ToolCall[]
  readonly usage: Usage | null
}

function firstState({ model = 'streamstack' }: EncodeOptions): State {
  return { said: false, model, finish: 'stop', calls: [], usage: null }
}

/**
 * `openai`: the stream of OpenAI's Chat Completions API, which most clients for models read: server-sent events with a `chat.completion.chunk` each, then
 * `[DONE]`. Reasoning is `reasoning_content`. A tool call that the server has run itself is left out; one without a result ends the answer with `tool_calls`,
 * for the client to run. JSON is sent as text. An error is an event `{"error": …}`, after which `[DONE]` does not follow.
 */
export const openai: AnswerFormat = {
  name: 'openai',
  mediaTypes: [],
  isShared: false,
  encoder: (options, stream): Encoder => ({
    ...streaming,
    contentType: 'text/event-stream; charset=utf-8',
    heartbeat: ': keep-alive\n\n',
    tellsOutcome: true,
    state: JSON.stringify(firstState(options)),
    begin: () => '',
    chunks(chunks, from, to) {
      const { kinds = WITHOUT_USAGE } = options
      let state = JSON.parse(this.state) as State
      let out = ''
      for (let i = from; i < to; i++) {
        const chunk = chunks[i] as Chunk
        if (chunk.kind === 'error') out += errorEvent(JSON.parse(chunk.data) as PublicError)
        const delta = deltaOf(chunk, kinds)
        if (delta !== null) {
          out += deltaEvent(stream, state, delta)
          if (!state.said) state = { ...state, said: true }
        } else if (chunk.kind !== 'usage' || kinds.has('usage')) state = after(state, chunk)
      }
      const held = JSON.stringify(state)
      if (held !== this.state) this.state = held
      return out
    },
    problemMembers: openaiError,
    fault: errorEvent,
    end({ outcome, offset, error }) {
      // An error was a chunk, unless the run failed before its first one, behind heartbeats.
      if (outcome === 'failed' && offset > 0) return ''
      if (outcome !== 'completed') return errorEvent(error ?? { code: String(outcome), message: 'The run has ended.' })
      const state = JSON.parse(this.state) as State
      const calls =
        state.calls.length === 0 ? '' : deltaEvent(stream, state, `"tool_calls":${JSON.stringify(callsOf(state))}`)
      const usage =
        state.usage === null
          ? ''
          : `data: ${head(stream, state, 'chat.completion.chunk')},"choices":[],"usage":${JSON.stringify(state.usage)}}\n\n`
      const choice = `"choices":[{"index":0,"delta":{},"finish_reason":"${finishOf(state)}"}]`
      return `${calls}data: ${head(stream, state, 'chat.completion.chunk')},${choice}}\n\n${usage}data: [DONE]\n\n`
    },
  }),
}

/** `openai-completion`: the same as one `chat.completion` document, for clients that do not stream. */
export const openaiCompletion: AnswerFormat = {
  name: 'openai-completion',
  mediaTypes: [],
  isShared: false,
  encoder: (options, stream): Encoder => {
    let state = firstState(options)
    let text = ''
    let reasoning = ''
    return {
      contentType: 'application/json; charset=utf-8',
      heartbeat: '',
      tellsOutcome: true,
      waits: true,
      state: '',
      begin: () => '',
      // The text is escaped at the end, as one.
      chunks(chunks, from, to) {
        for (let i = from; i < to; i++) {
          const chunk = chunks[i] as Chunk
          if (chunk.kind === 'reasoning') reasoning += chunk.data
          else if (isText(chunk)) text += chunk.data
          else state = after(state, chunk)
        }
        return ''
      },
      problemMembers: openaiError,
      fault: () => '',
      end: (_end: AnswerEnd) => {
        const calls = state.calls.length === 0 ? {} : { tool_calls: state.calls.map(callOf) }
        const thought = reasoning === '' ? {} : { reasoning_content: reasoning }
        const content = text === '' && state.calls.length > 0 ? null : text
        const message = { role: 'assistant', content, refusal: null, ...thought, ...calls }
        const choices = [{ index: 0, message, logprobs: null, finish_reason: finishOf(state) }]
        const usage = state.usage === null ? '' : `,"usage":${JSON.stringify(state.usage)}`
        return `${head(stream, state, 'chat.completion')},"choices":${JSON.stringify(choices)}${usage}}`
      },
      goodbye: () => '',
    }
  },
}

/** The marker that a stack writes has no metadata; what a model says has. */
function isText({ kind, data, metadata }: Chunk): boolean {
  return (kind === 'text' && (data !== DONE || metadata !== null)) || kind === 'json'
}

/** The members of a delta; null: the chunk says nothing of its own. */
function deltaOf(chunk: Chunk, kinds: ChunkKinds): string | null {
  if (isText(chunk)) return `"content":${JSON.stringify(chunk.data)}`
  return chunk.kind === 'reasoning' && kinds.has('reasoning')
    ? `"reasoning_content":${JSON.stringify(chunk.data)}`
    : null
}

function deltaEvent(stream: EncodedStream, state: State, delta: string): string {
  const role = state.said ? '' : '"role":"assistant",'
  return `data: ${head(stream, state, 'chat.completion.chunk')},"choices":[{"index":0,"delta":{${role}${delta}},"finish_reason":null}]}\n\n`
}

/** What the chunks that are no text say of the answer. */
function after(state: State, { kind, data }: Chunk): State {
  if (!['status', 'tool_call', 'tool_result', 'usage'].includes(kind)) return state
  const value = JSON.parse(data) as Record<string, unknown>
  switch (kind) {
    case 'status': {
      const model = typeof value['model'] === 'string' ? value['model'] : state.model
      const reason = String(value['finish_reason'])
      return {
        ...state,
        model,
        finish: FINISH_REASONS.has(reason) ? reason : reason === 'refusal' ? 'content_filter' : 'stop',
      }
    }
    case 'tool_call': {
      const call = {
        id: String(value['id']),
        name: String(value['name']),
        arguments: argumentsOf(value),
      }
      return { ...state, calls: [...state.calls, call] }
    }
    case 'tool_result':
      return { ...state, calls: state.calls.filter(({ id }) => id !== value['id']) }
    default:
      return { ...state, usage: usageOf(value, state.usage) }
  }
}

/** Text that is no JSON object goes to the client as the model wrote it: a call without arguments is another one. */
function argumentsOf({ arguments: given, arguments_text: text }: Record<string, unknown>): string {
  return given === null && typeof text === 'string' ? text : JSON.stringify(given ?? {})
}

/** In a stream each call has the index by which clients join its deltas. */
function callsOf({ calls }: State): object[] {
  return calls.map((call, index) => ({ index, ...callOf(call) }))
}

function callOf({ id, name, arguments: text }: ToolCall): object {
  return { id, type: 'function', function: { name, arguments: text } }
}

function finishOf({ calls, finish }: State): string {
  if (calls.length > 0) return 'tool_calls'
  // The calls that the model waited for were run by the server.
  return finish === 'tool_calls' ? 'stop' : finish
}

/** Tokens of all model calls of the run together. */
function usageOf(value: Record<string, unknown>, before: Usage | null): Usage {
  const known = (before ?? {}) as Partial<Usage>
  const sum = (name: string, tokens: number | undefined): number | undefined => {
    const more = value[name]
    return typeof more === 'number' ? (tokens ?? 0) + more : tokens
  }
  const prompt = sum('input_tokens', known.prompt_tokens) ?? 0
  const completion = sum('output_tokens', known.completion_tokens) ?? 0
  const cached = sum('cached_tokens', known.prompt_tokens_details?.cached_tokens)
  const reasoning = sum('reasoning_tokens', known.completion_tokens_details?.reasoning_tokens)
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...(cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: cached } }),
    ...(reasoning === undefined ? {} : { completion_tokens_details: { reasoning_tokens: reasoning } }),
  } satisfies Usage
}

function head({ run }: EncodedStream, { model }: State, object: string): string {
  return `{"id":"chatcmpl-${run ?? 'none'}","object":"${object}","created":${createdOf(run)},"model":${JSON.stringify(model)}`
}

/** Seconds since 1970. Ids of runs are UUIDs of version 7, which begin with the milliseconds (RFC 9562 §5.7). */
function createdOf(run: string | null): number {
  const ms = Number.parseInt((run ?? '').replaceAll('-', '').slice(0, 12), 16)
  return Number.isSafeInteger(ms) ? Math.floor(ms / 1_000) : 0
}

/** Kinds of errors by which clients of the API decide what to do; all others are the server's. */
const TYPES: Readonly<Record<string, string>> = {
  input_invalid: 'invalid_request_error',
  body_unreadable: 'invalid_request_error',
  body_too_large: 'invalid_request_error',
  media_type_unsupported: 'invalid_request_error',
  endpoint_unknown: 'invalid_request_error',
  unauthenticated: 'authentication_error',
  forbidden: 'permission_error',
  rate_limited: 'rate_limit_error',
}

/** The error in the form of the API: `{"error": {"message", "type", "code"}}`. */
export function openaiError({ code, message }: Pick<PublicError, 'code' | 'message'>): Record<string, unknown> {
  return { error: { message, type: TYPES[code] ?? 'server_error', param: null, code } }
}

function errorEvent(error: Pick<PublicError, 'code' | 'message'>): string {
  return `data: ${JSON.stringify(openaiError(error))}\n\n`
}
