import { ALL_KINDS, CHUNK_KINDS } from '../chunk-kind.ts'
import type { Chunk } from '../chunk.ts'
import type { PublicError } from '../errors.ts'
import { type AnswerFormat, type Encoder, streaming } from './format.ts'
import { contentJson } from './lines.ts'

/** The end marker that chat clients expect; this format has its own. */
const DONE = '[DONE]'

/** Finish reasons of models that the AI SDK names otherwise. */
const FINISH_REASONS: Readonly<Record<string, string>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  content_filter: 'content-filter',
  refusal: 'content-filter',
}

/**
 * `ai-sdk`: the UI message stream of the AI SDK, version 1, which `useChat` reads: server-sent events with one JSON part each. Texts and reasoning stand in
 * parts that are opened and closed; tool calls, their results, sources and usage have parts of their own; JSON is `data-json`; metadata, if asked for, is
 * `data-metadata`, which is not kept in the message. A text of exactly `[DONE]` without metadata, the marker of a stack, is left out.
 */
export const aiSdk: AnswerFormat = {
  name: 'ai-sdk',
  mediaTypes: [],
  isShared: false,
  encoder: ({ metadata, kinds = ALL_KINDS }, { run }): Encoder => ({
    ...streaming,
    contentType: 'text/event-stream; charset=utf-8',
    headers: { 'x-vercel-ai-ui-message-stream': 'v1' },
    heartbeat: ': keep-alive\n\n',
    tellsOutcome: true,
    // The part that is open, as `text 7`, how the model finished, and the usage so far: `text 7|length|{…}`.
    state: '||',
    shared: `ai-sdk ${metadata} ${CHUNK_KINDS.filter((kind) => kinds.has(kind)).join()}`,
    begin: () => event({ type: 'start', ...(run === null ? {} : { messageId: run }) }),
    chunks(chunks, from, to, offset) {
      const parts = new Parts(this.state)
      for (let i = from; i < to; i++) {
        const chunk = chunks[i] as Chunk
        if (kinds.has(chunk.kind)) parts.add(chunk, offset + i - from, metadata)
      }
      this.state = parts.state
      return parts.out
    },
    fault(error) {
      return closing(this.state) + errorPart(error) + END
    },
    end({ outcome, offset, error }) {
      const close = closing(this.state)
      if (outcome === 'cancelled') return close + event({ type: 'abort', reason: error?.message ?? 'cancelled' }) + END
      if (outcome !== 'completed') {
        // An error was a chunk, unless the run failed before its first one, behind heartbeats.
        const isTold = outcome === 'failed' && offset > 0
        return close + (error === null || isTold ? '' : errorPart(error)) + END
      }
      return close + event({ type: 'finish', finishReason: finishReasonOf(this.state) }) + END
    },
  }),
}

const END = 'data: [DONE]\n\n'

/** JSON holds no CR, LF or NUL, so no content can add a field or an event. */
function event(part: object): string {
  return `data: ${JSON.stringify(part)}\n\n`
}

function errorPart({ message }: Pick<PublicError, 'message'>): string {
  return event({ type: 'error', errorText: message })
}

/** `text 7|stop` is an open text that began at offset 7. */
function openPart(state: string): { kind: string; id: string } | null {
  const [kind = '', id = ''] = (state.split('|', 1)[0] ?? '').split(' ')
  return kind === '' ? null : { kind, id }
}

function closing(state: string): string {
  const open = openPart(state)
  return open === null ? '' : event({ type: `${open.kind}-end`, id: open.id })
}

function finishReasonOf(state: string): string {
  return (state.split('|', 2)[1] ?? '') || 'stop'
}

/** Tokens of all model calls of the run together: metadata of a message replace what it had. */
function usageSum(before: string, value: Record<string, unknown>): string {
  const sum: Record<string, unknown> = before === '' ? {} : (JSON.parse(before) as Record<string, unknown>)
  for (const [name, tokens] of Object.entries(value)) {
    const known = sum[name]
    sum[name] = typeof known === 'number' && typeof tokens === 'number' ? known + tokens : (tokens ?? known ?? null)
  }
  return JSON.stringify(sum)
}

class Parts {
  out = ''
  #kind = ''
  #id = ''
  #finish: string
  /** JSON; empty: none yet. */
  #usage: string

  constructor(state: string) {
    const open = openPart(state)
    if (open !== null) [this.#kind, this.#id] = [open.kind, open.id]
    const [, finish = ''] = state.split('|', 2)
    this.#finish = finish
    this.#usage = state.slice(state.indexOf('|', state.indexOf('|') + 1) + 1)
  }

  get state(): string {
    return `${this.#kind === '' ? '' : `${this.#kind} ${this.#id}`}|${this.#finish}|${this.#usage}`
  }

  add(chunk: Chunk, offset: number, withMetadata: boolean): void {
    const { kind, data, metadata } = chunk
    if (kind === 'text') {
      if (data === DONE && metadata === null) return
      this.#text('text', data, offset)
    } else if (kind === 'reasoning') this.#text('reasoning', data, offset)
    else {
      this.#close()
      this.#other(chunk, offset)
    }
    if (withMetadata && metadata !== null)
      this.out += `data: {"type":"data-metadata","transient":true,"data":${metadata}}\n\n`
  }

  /** Written by hand: this is on the way of every token. */
  #text(kind: 'text' | 'reasoning', text: string, offset: number): void {
    if (this.#kind !== kind) {
      this.#close()
      this.#kind = kind
      this.#id = String(offset)
      this.out += `data: {"type":"${kind}-start","id":"${this.#id}"}\n\n`
    }
    this.out += `data: {"type":"${kind}-delta","id":"${this.#id}","delta":${JSON.stringify(text)}}\n\n`
  }

  #close(): void {
    if (this.#kind === '') return
    this.out += event({ type: `${this.#kind}-end`, id: this.#id })
    this.#kind = this.#id = ''
  }

  #other(chunk: Chunk, offset: number): void {
    const id = String(offset)
    if (chunk.kind === 'json') {
      this.out += `data: {"type":"data-json","id":"${id}","data":${contentJson(chunk)}}\n\n`
      return
    }
    const value = JSON.parse(chunk.data) as Record<string, unknown>
    switch (chunk.kind) {
      case 'error':
        this.out += errorPart(value as unknown as PublicError)
        return
      case 'tool_call':
        this.#part(toolInput(value))
        return
      case 'tool_result': {
        const failed = value['error'] ?? null
        const part =
          failed === null
            ? { type: 'tool-output-available', output: value['result'] ?? null }
            : { type: 'tool-output-error', errorText: messageOf(failed) }
        this.#part({ ...part, toolCallId: value['id'] })
        return
      }
      case 'source':
        if (typeof value['url'] === 'string') {
          this.#part({ type: 'source-url', sourceId: id, url: value['url'], ...titleOf(value) })
        } else this.#part({ type: 'data-source', id, data: value })
        return
      case 'usage':
        this.#usage = usageSum(this.#usage, value)
        this.out += `data: {"type":"message-metadata","messageMetadata":{"usage":${this.#usage}}}\n\n`
        return
      case 'status':
        if (value['state'] === 'started') this.#part({ type: 'start-step' })
        else if (value['state'] === 'finished') {
          this.#finish = FINISH_REASONS[String(value['finish_reason'])] ?? 'other'
          this.#part({ type: 'finish-step' })
        } else this.#part({ type: 'data-status', id, transient: true, data: value })
        return
      default:
        this.#part({ type: `data-${chunk.kind.replace('_', '-')}`, id, data: value })
    }
  }

  #part(part: object): void {
    this.out += event(part)
  }
}

/** A call whose arguments are no JSON object is one that a page must not run. */
function toolInput({ id, name, arguments: input, arguments_text: text }: Record<string, unknown>): object {
  const call = { toolCallId: id, toolName: name }
  return input === null && typeof text === 'string'
    ? { type: 'tool-input-error', ...call, input: text, errorText: 'The arguments are not a JSON object.' }
    : { type: 'tool-input-available', ...call, input }
}

function titleOf({ title }: Record<string, unknown>): object {
  return typeof title === 'string' ? { title } : {}
}

function messageOf(error: unknown): string {
  if (typeof error === 'string') return error
  const { message } = error as { message?: unknown }
  return typeof message === 'string' ? message : JSON.stringify(error)
}
