import { events, lines, namedEvents } from '@streamstack/test-support/frames'
import type { Dialect } from '../dialect.ts'
import { anthropic } from '../dialects/anthropic.ts'
import { google } from '../dialects/google.ts'
import { ollama } from '../dialects/ollama.ts'
import { openaiCompatible } from '../dialects/openai-compatible.ts'
import { openaiResponses } from '../dialects/openai-responses.ts'
import { openai } from '../dialects/openai.ts'
import type { FinishReason, Usage } from '../item.ts'

/** A stream in a provider's documented shape, written for these tests, and what an application must get of it. */
export interface WrittenStream {
  readonly name: string
  readonly dialect: Dialect
  readonly body: string
  readonly text: string
  readonly reasoning?: string
  readonly calls?: readonly { readonly id: string; readonly name: string; readonly arguments: unknown }[]
  readonly sources?: readonly (string | null)[]
  readonly usage?: Partial<Usage> | null
  /** Absent: the stream fails. */
  readonly finish?: FinishReason
  /** A part of the error's message. */
  readonly error?: string
  readonly recoverable?: boolean
}

export function chat(delta: object, finish_reason: string | null = null, more: object = {}): object {
  return {
    id: 'c1',
    object: 'chat.completion.chunk',
    model: 'm-1',
    choices: [{ index: 0, delta, finish_reason }],
    ...more,
  }
}

const chatUsage = {
  choices: [],
  usage: {
    prompt_tokens: 20,
    completion_tokens: 7,
    prompt_tokens_details: { cached_tokens: 4 },
    completion_tokens_details: { reasoning_tokens: 3 },
  },
}
const chatUsed = { input_tokens: 20, output_tokens: 7, reasoning_tokens: 3, cached_tokens: 4 }

export function block(index: number, delta: object): { type: string } & Record<string, unknown> {
  return { type: 'content_block_delta', index, delta }
}

export const messageStart = {
  type: 'message_start',
  message: {
    model: 'c-1',
    usage: { input_tokens: 10, cache_read_input_tokens: 5, cache_creation_input_tokens: 2, output_tokens: 1 },
  },
}
export const textBlock = { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }
export const messageDelta = (reason: string): { type: string } & Record<string, unknown> => ({
  type: 'message_delta',
  delta: { stop_reason: reason },
  usage: { output_tokens: 9 },
})
export const anthropicUsed = { input_tokens: 17, output_tokens: 9, cached_tokens: 5 }

export function gemini(parts: readonly object[], more: object = {}, candidate: object = {}): object {
  return { candidates: [{ content: { parts, role: 'model' }, ...candidate }], modelVersion: 'g-1', ...more }
}

export function crlf(text: string): string {
  return text.replaceAll('\n', '\r\n')
}

export const created = { type: 'response.created', response: { model: 'r-1', status: 'in_progress' } }
export function responseEnd(status: string, more: object = {}): { type: string } & Record<string, unknown> {
  const usage = {
    input_tokens: 30,
    output_tokens: 12,
    output_tokens_details: { reasoning_tokens: 8 },
    input_tokens_details: { cached_tokens: 6 },
  }
  return { type: `response.${status}`, response: { model: 'r-1', status, usage, ...more } }
}

export const writtenStreams: readonly WrittenStream[] = [
  {
    name: 'openai: text with usage in a frame of its own',
    dialect: openai,
    body: events(
      chat({ role: 'assistant', content: '' }),
      chat({ content: 'Grüß 👋🏽' }),
      chat({ content: ' dich' }),
      chat({}, 'stop'),
      chatUsage,
      '[DONE]',
    ),
    text: 'Grüß 👋🏽 dich',
    usage: chatUsed,
    finish: 'stop',
  },
  {
    name: 'openai: two calls side by side',
    dialect: openai,
    body: events(
      chat({ tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'rain', arguments: '' } }] }),
      chat({ tool_calls: [{ index: 1, id: 'b', type: 'function', function: { name: 'wind', arguments: '{' } }] }),
      chat({ tool_calls: [{ index: 0, function: { arguments: '{"city":"Øl' } }] }),
      chat({ tool_calls: [{ index: 1, function: { arguments: '}' } }] }),
      chat({ tool_calls: [{ index: 0, function: { arguments: 'and"}' } }] }),
      chat({}, 'tool_calls'),
      '[DONE]',
    ),
    text: '',
    calls: [
      { id: 'a', name: 'rain', arguments: { city: 'Øland' } },
      { id: 'b', name: 'wind', arguments: {} },
    ],
    finish: 'tool_calls',
  },
  {
    name: 'openai: arguments that are no JSON',
    dialect: openai,
    body: events(
      chat({ tool_calls: [{ index: 0, id: 'a', function: { name: 'rain', arguments: '{"city":' } }] }),
      chat({}, 'tool_calls'),
      '[DONE]',
    ),
    text: '',
    calls: [{ id: 'a', name: 'rain', arguments: null }],
    finish: 'tool_calls',
  },
  {
    name: 'openai: a length stop',
    dialect: openai,
    body: events(chat({ content: 'cut' }, 'length'), '[DONE]'),
    text: 'cut',
    finish: 'length',
  },
  {
    name: 'openai: a content filter',
    dialect: openai,
    body: events(chat({ content: 'a' }), chat({}, 'content_filter'), '[DONE]'),
    text: 'a',
    finish: 'content_filter',
  },
  {
    name: 'openai: a refusal',
    dialect: openai,
    body: events(chat({ refusal: 'I will ' }), chat({ refusal: 'not.' }), chat({}, 'stop'), '[DONE]'),
    text: 'I will not.',
    finish: 'refusal',
  },
  {
    name: 'openai: [DONE] without a reason proves nothing',
    dialect: openai,
    body: events(chat({ content: 'half' }), '[DONE]'),
    text: 'half',
    error: 'before it was complete',
  },
  {
    name: 'openai: an end without a reason',
    dialect: openai,
    body: events(chat({ content: 'half' })),
    text: 'half',
    error: 'before it was complete',
  },
  {
    name: 'openai: an end in the middle of a frame',
    dialect: openai,
    body: `${events(chat({ content: 'half' }))}data: {"choices":[{"del`,
    text: 'half',
    error: 'before it was complete',
  },
  { name: 'openai: nothing at all', dialect: openai, body: '', text: '', error: 'before it was complete' },
  {
    name: 'openai: JSON under status 200 in place of events',
    dialect: openai,
    body: '{\n  "error": {\n    "message": "Bad key sk-1",\n    "type": "invalid_request_error"\n  }\n}\n',
    text: '',
    error: '(invalid_request_error)',
    recoverable: false,
  },
  {
    name: 'openai: a page of a gateway',
    dialect: openai,
    body: '<!doctype html>\n<p>busy</p>',
    text: '',
    error: 'not a server-sent event',
  },
  {
    name: 'openai: a frame that is garbage',
    dialect: openai,
    body: events(chat({ content: 'a' }), '{"choices":', chat({}, 'stop'), '[DONE]'),
    text: 'a',
    error: 'not valid JSON',
  },
  {
    name: 'openai: a frame that is no object',
    dialect: openai,
    body: events(chat({ content: 'a' }), '42', chat({}, 'stop'), '[DONE]'),
    text: 'a',
    error: 'not an object',
  },
  {
    name: 'compatible: reasoning, comments and an error frame before [DONE]',
    dialect: openaiCompatible,
    body: `: PROCESSING\n\n${events(chat({ reasoning: 'Let me ' }), chat({ reasoning_content: 'see' }), chat({ content: 'Hm' }, 'length'), { ...chat({}), error: { code: 502, message: 'down' } }, '[DONE]')}`,
    text: 'Hm',
    reasoning: 'Let me see',
    error: 'reported an error',
    recoverable: true,
  },
  {
    name: 'compatible: event: error',
    dialect: openaiCompatible,
    body: `${events(chat({ content: 'a' }))}event: error\ndata: {"error":{"type":"server_error","message":"x"}}\n\n`,
    text: 'a',
    error: '(server_error)',
    recoverable: true,
  },
  {
    name: 'compatible: usage of Groq, CR line ends, no [DONE]',
    dialect: openaiCompatible,
    body: events(
      chat({ content: 'ok' }),
      chat({}, 'stop', { x_groq: { usage: { prompt_tokens: 3, completion_tokens: 1 } } }),
    ).replaceAll('\n', '\r'),
    text: 'ok',
    usage: { input_tokens: 3, output_tokens: 1 },
    finish: 'stop',
  },
  {
    name: 'compatible: citations',
    dialect: openaiCompatible,
    body: events(
      chat({ content: 'a' }, null, { citations: ['https://a.example'] }),
      chat({ annotations: [{ type: 'url_citation', url_citation: { url: 'https://b.example', title: 'B' } }] }, null, {
        citations: ['https://a.example'],
      }),
      chat({}, 'stop'),
      '[DONE]',
    ),
    text: 'a',
    sources: ['https://a.example', 'https://b.example'],
    finish: 'stop',
  },
  {
    name: 'responses: reasoning, text, a source',
    dialect: openaiResponses,
    body: namedEvents(
      created,
      { type: 'response.reasoning_summary_text.delta', delta: 'Thinking' },
      { type: 'response.output_text.delta', delta: 'It is ' },
      {
        type: 'response.output_text.annotation.added',
        annotation: { type: 'url_citation', url: 'https://a.example', title: 'A' },
      },
      { type: 'response.output_text.delta', delta: 'so.' },
      { type: 'response.something.new', delta: 'ignored' },
      responseEnd('completed'),
    ),
    text: 'It is so.',
    reasoning: 'Thinking',
    sources: ['https://a.example'],
    usage: { input_tokens: 30, output_tokens: 12, reasoning_tokens: 8, cached_tokens: 6 },
    finish: 'stop',
  },
  {
    name: 'responses: a call',
    dialect: openaiResponses,
    body: namedEvents(
      created,
      { type: 'response.function_call_arguments.delta', item_id: 'i', delta: '{"a"' },
      {
        type: 'response.output_item.done',
        item: { type: 'function_call', call_id: 'k', name: 'rain', arguments: '{"a":1}' },
      },
      responseEnd('completed'),
    ),
    text: '',
    calls: [{ id: 'k', name: 'rain', arguments: { a: 1 } }],
    finish: 'tool_calls',
  },
  {
    name: 'responses: cut by length',
    dialect: openaiResponses,
    body: namedEvents(
      created,
      { type: 'response.output_text.delta', delta: 'long' },
      responseEnd('incomplete', { incomplete_details: { reason: 'max_output_tokens' } }),
    ),
    text: 'long',
    finish: 'length',
  },
  {
    name: 'responses: failed under status 200',
    dialect: openaiResponses,
    body: namedEvents(
      created,
      { type: 'response.output_text.delta', delta: 'a' },
      {
        type: 'response.failed',
        response: { status: 'failed', error: { code: 'rate_limit_exceeded', message: 'slow' } },
      },
    ),
    text: 'a',
    error: '(rate_limit_exceeded)',
    recoverable: true,
  },
  {
    name: 'responses: [DONE] is no end',
    dialect: openaiResponses,
    body: namedEvents(created) + events('[DONE]'),
    text: '',
    error: 'before it was complete',
  },
  {
    name: 'anthropic: thinking, text, pings, cumulative usage',
    dialect: anthropic,
    body: namedEvents(
      messageStart,
      { type: 'ping' },
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } },
      block(0, { type: 'thinking_delta', thinking: 'Hmm' }),
      block(0, { type: 'signature_delta', signature: 'sig' }),
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      { type: 'ping' },
      block(1, { type: 'text_delta', text: '你好' }),
      block(1, { type: 'citations_delta', citation: { url: 'https://a.example', title: 'A' } }),
      block(1, { type: 'text_delta', text: '，世界' }),
      { type: 'content_block_stop', index: 1 },
      messageDelta('end_turn'),
      { type: 'message_stop' },
    ),
    text: '你好，世界',
    reasoning: 'Hmm',
    sources: ['https://a.example'],
    usage: anthropicUsed,
    finish: 'stop',
  },
  {
    name: 'anthropic: a call beside text',
    dialect: anthropic,
    body: namedEvents(
      messageStart,
      textBlock,
      block(0, { type: 'text_delta', text: 'Looking.' }),
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'tool_use', id: 't', name: 'rain', input: {} } },
      block(1, { type: 'input_json_delta', partial_json: '' }),
      block(1, { type: 'input_json_delta', partial_json: '{"city": "O' }),
      block(1, { type: 'input_json_delta', partial_json: 'slo"}' }),
      { type: 'content_block_stop', index: 1 },
      messageDelta('tool_use'),
      { type: 'message_stop' },
    ),
    text: 'Looking.',
    calls: [{ id: 't', name: 'rain', arguments: { city: 'Oslo' } }],
    usage: anthropicUsed,
    finish: 'tool_calls',
  },
  {
    name: 'anthropic: a refusal',
    dialect: anthropic,
    body: namedEvents(messageStart, messageDelta('refusal'), { type: 'message_stop' }),
    text: '',
    finish: 'refusal',
  },
  {
    name: 'anthropic: overloaded in the middle',
    dialect: anthropic,
    body: namedEvents(messageStart, textBlock, block(0, { type: 'text_delta', text: 'a' }), {
      type: 'error',
      error: { type: 'overloaded_error', message: 'Overloaded' },
    }),
    text: 'a',
    error: '(overloaded_error)',
    recoverable: true,
  },
  {
    name: 'anthropic: a reason without message_stop',
    dialect: anthropic,
    body: namedEvents(messageStart, textBlock, block(0, { type: 'text_delta', text: 'a' }), messageDelta('end_turn')),
    text: 'a',
    error: 'before it was complete',
  },
  {
    name: 'anthropic: what follows message_stop is not read',
    dialect: anthropic,
    body: `${namedEvents(messageStart, messageDelta('end_turn'), { type: 'message_stop' }, { type: 'error', error: { type: 'api_error' } })}{"error":1}\n`,
    text: '',
    finish: 'stop',
  },
  {
    name: 'google: CRLF, thoughts, usage in each frame',
    dialect: google,
    body: crlf(
      events(
        gemini([{ text: 'plan', thought: true }], { usageMetadata: { promptTokenCount: 11, thoughtsTokenCount: 3 } }),
        gemini([{ text: 'Hal' }], {
          usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 1, thoughtsTokenCount: 3 },
        }),
        gemini(
          [{ text: 'lo' }],
          {
            usageMetadata: {
              promptTokenCount: 11,
              candidatesTokenCount: 2,
              thoughtsTokenCount: 3,
              cachedContentTokenCount: 8,
            },
          },
          { finishReason: 'STOP' },
        ),
      ),
    ),
    text: 'Hallo',
    reasoning: 'plan',
    usage: { input_tokens: 11, output_tokens: 5, reasoning_tokens: 3, cached_tokens: 8 },
    finish: 'stop',
  },
  {
    name: 'google: calls without ids, pages of a search',
    dialect: google,
    body: crlf(
      events(
        gemini([
          { functionCall: { name: 'rain', args: { city: 'Oslo' } }, thoughtSignature: 's' },
          { functionCall: { name: 'wind' } },
        ]),
        gemini(
          [],
          {},
          {
            finishReason: 'STOP',
            groundingMetadata: { groundingChunks: [{ web: { uri: 'https://a.example', title: 'A' } }] },
          },
        ),
      ),
    ),
    text: '',
    calls: [
      { id: 'call_1', name: 'rain', arguments: { city: 'Oslo' } },
      { id: 'call_2', name: 'wind', arguments: {} },
    ],
    sources: ['https://a.example'],
    finish: 'tool_calls',
  },
  {
    name: 'google: a blocked prompt, one frame with a single line end',
    dialect: google,
    body: 'data: {"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4}}\r\n',
    text: '',
    usage: { input_tokens: 4 },
    finish: 'content_filter',
  },
  {
    name: 'google: a filtered answer',
    dialect: google,
    body: crlf(events(gemini([{ text: 'a' }]), gemini([], {}, { finishReason: 'SAFETY' }))),
    text: 'a',
    finish: 'content_filter',
  },
  {
    name: 'google: bare JSON in the middle',
    dialect: google,
    body: `${crlf(events(gemini([{ text: 'a' }])))}{\r\n  "error": {\r\n    "code": 503,\r\n    "status": "UNAVAILABLE",\r\n    "message": "busy"\r\n  }\r\n}\r\n`,
    text: 'a',
    error: '(UNAVAILABLE)',
    recoverable: true,
  },
  {
    name: 'google: bare JSON in a list, without a last line end',
    dialect: google,
    body: '[{\n "error": {"code": 400, "status": "INVALID_ARGUMENT"}\n}\n]',
    text: '',
    error: '(INVALID_ARGUMENT)',
    recoverable: false,
  },
  {
    name: 'google: no reason',
    dialect: google,
    body: crlf(events(gemini([{ text: 'a' }]))),
    text: 'a',
    error: 'before it was complete',
  },
  {
    name: 'ollama: thinking, text, counters',
    dialect: ollama,
    body: lines(
      { model: 'l', message: { role: 'assistant', content: '', thinking: 'so' }, done: false },
      { model: 'l', message: { role: 'assistant', content: 'ça ' }, done: false },
      { model: 'l', message: { role: 'assistant', content: 'va' }, done: false },
      {
        model: 'l',
        message: { role: 'assistant', content: '' },
        done: true,
        done_reason: 'stop',
        prompt_eval_count: 6,
        eval_count: 2,
      },
    ),
    text: 'ça va',
    reasoning: 'so',
    usage: { input_tokens: 6, output_tokens: 2 },
    finish: 'stop',
  },
  {
    name: 'ollama: a call',
    dialect: ollama,
    body: lines(
      {
        model: 'l',
        message: { content: '', tool_calls: [{ function: { name: 'rain', arguments: { city: 'Oslo' } } }] },
        done: false,
      },
      { model: 'l', message: { content: '' }, done: true, done_reason: 'stop' },
    ),
    text: '',
    calls: [{ id: 'call_1', name: 'rain', arguments: { city: 'Oslo' } }],
    finish: 'tool_calls',
  },
  {
    name: 'ollama: an error line under status 200',
    dialect: ollama,
    body: lines({ model: 'l', message: { content: 'a' }, done: false }, { error: 'model not found' }),
    text: 'a',
    error: 'reported an error',
    recoverable: false,
  },
  {
    name: 'ollama: no last line',
    dialect: ollama,
    body: lines({ model: 'l', message: { content: 'a' }, done: false }),
    text: 'a',
    error: 'before it was complete',
  },
  {
    name: 'ollama: a line that is cut',
    dialect: ollama,
    body: '{"model":"l","message":{"content":"a"},"done":false}\n{"model":"l","mess',
    text: 'a',
    error: 'before it was complete',
  },
]
