import type { ChunkKind } from '@streamstack/client'
import type { SseEvent } from '@streamstack/protocol'
import type { Item, SourceEnd } from './source.ts'
import { cut } from '../base/cut.ts'

/** Reads the events of one answer. */
export interface Dialect {
  /**
   * Whether an answer ends only with its end marker; without it, a closed connection counts as
   * broken.
   */
  readonly needsMark: boolean
  /** Set when the mark was read. */
  readonly end: SourceEnd | null
  read(event: SseEvent): readonly Item[]
}

type Fields = Readonly<Record<string, unknown>>

const COMPLETED: SourceEnd = { outcome: 'completed', error: null }

function item(kind: ChunkKind, content: unknown, offset: number | null = null): Item {
  return { kind, content, metadata: null, offset }
}

function failure(code: unknown, message: unknown): SourceEnd {
  return {
    outcome: 'failed',
    error: {
      code: typeof code === 'string' ? code : 'upstream_failed',
      message: typeof message === 'string' && message !== '' ? cut(message, 300) : 'The server reported an error.',
      recoverable: true,
    },
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data) as unknown
  } catch {
    return undefined
  }
}

function fields(value: unknown): Fields {
  return value !== null && typeof value === 'object' ? (value as Fields) : {}
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** Chunks of OpenAI's Chat Completions API, which many servers speak; reasoning as vLLM, OpenRouter and DeepSeek write it. */
function openai(): Dialect {
  let end: SourceEnd | null = null
  let isFinished = false
  const names = new Map<unknown, { id: string; name: string; input: string }>()
  const callsOf = (value: unknown): void => {
    for (const call of Array.isArray(value) ? value.map(fields) : []) {
      const made = fields(call['function'])
      const known = names.get(call['index']) ?? { id: '', name: '', input: '' }
      known.id ||= text(call['id'])
      known.name ||= text(made['name'])
      known.input += text(made['arguments'])
      names.set(call['index'], known)
    }
  }
  return {
    needsMark: true,
    get end() {
      return end
    },
    read({ data, event }) {
      if (data === '[DONE]') {
        end ??= isFinished ? COMPLETED : failure('answer_incomplete', 'The answer ended before it was finished.')
        return []
      }
      const body = fields(parsed(data ?? ''))
      if (body['error'] !== undefined || event === 'error') {
        const error = fields(body['error'] ?? body)
        end = failure(error['code'] ?? error['type'], error['message'] ?? body['error'])
        return []
      }
      const items: Item[] = []
      for (const choice of Array.isArray(body['choices']) ? body['choices'].map(fields) : []) {
        const delta = fields(choice['delta'] ?? choice['message'])
        const reasoning = text(delta['reasoning_content']) || text(delta['reasoning'])
        if (reasoning !== '') items.push(item('reasoning', reasoning))
        if (text(delta['content']) !== '') items.push(item('text', delta['content']))
        callsOf(delta['tool_calls'])
        if (typeof choice['finish_reason'] !== 'string') continue
        isFinished = true
        for (const { id, name, input } of names.values())
          items.push(item('tool_call', { id, name, input: parsed(input) ?? input }))
        names.clear()
      }
      if (body['usage'] instanceof Object) items.push(item('usage', body['usage']))
      return items
    },
  }
}

/** The AI SDK's UI message stream, version 1. */
function aiSdk(): Dialect {
  let end: SourceEnd | null = null
  return {
    needsMark: true,
    get end() {
      return end
    },
    read({ data }) {
      if (data === '[DONE]') {
        end ??= COMPLETED
        return []
      }
      const part = fields(parsed(data ?? ''))
      const kind = text(part['type'])
      const id = part['toolCallId']
      switch (kind) {
        case 'text-delta':
          return [item('text', text(part['delta']))]
        case 'reasoning-delta':
          return [item('reasoning', text(part['delta']))]
        case 'tool-input-available':
          return [item('tool_call', { id, name: part['toolName'], input: part['input'] })]
        case 'tool-output-available':
          return [item('tool_result', { id, output: part['output'] })]
        case 'tool-output-error':
        case 'tool-input-error':
          return [item('tool_result', { id, error: part['errorText'] })]
        case 'source-url':
          return [item('source', { url: part['url'], title: part['title'] })]
        case 'source-document':
          return [item('source', { title: part['title'] })]
        case 'error':
          end = failure('upstream_failed', part['errorText'])
          return []
        case 'abort':
          end = { outcome: 'cancelled', error: null }
          return []
        case 'finish':
          end = COMPLETED
          return []
        default:
          return kind.startsWith('data-') ? [item('json', part['data'])] : []
      }
    },
  }
}

/** Events of a server that follows no dialect: JSON where the data is JSON, else text. `[DONE]` and `event: end` end it, `event: error` fails. */
function plainSse(): Dialect {
  let end: SourceEnd | null = null
  return {
    needsMark: false,
    get end() {
      return end
    },
    read({ data, event, id }) {
      const value = parsed(data ?? '')
      if (data === '[DONE]' || event === 'end') {
        const outcome = fields(value)['outcome']
        end = outcome === 'failed' ? failure(undefined, fields(fields(value)['error'])['message']) : COMPLETED
        return []
      }
      if (event === 'error') {
        end = failure(fields(value)['code'], fields(value)['message'] ?? data)
        return []
      }
      const offset = id !== null && /^\d{1,15}$/.test(id) ? Number(id) : null
      return [
        value === undefined || typeof value === 'string'
          ? item('text', value ?? data, offset)
          : item('json', value, offset),
      ]
    },
  }
}

/** The formats that any server may speak. */
export const dialects = { openai, 'ai-sdk': aiSdk, 'plain-sse': plainSse } as const
