import { events } from '@streamstack/test-support/frames'
import { anthropic } from '../dialects/anthropic.ts'
import { google } from '../dialects/google.ts'
import { ollama } from '../dialects/ollama.ts'
import { openaiCompatible } from '../dialects/openai-compatible.ts'
import { openaiResponses } from '../dialects/openai-responses.ts'
import { openai } from '../dialects/openai.ts'
import { type WrittenStream, chat, gemini } from './written-streams.ts'

function completion(message: object, finish_reason: string | null, more: object = {}): object {
  const usage = { prompt_tokens: 9, completion_tokens: 4, completion_tokens_details: { reasoning_tokens: 2 } }
  return {
    id: 'c1',
    object: 'chat.completion',
    model: 'm-1',
    choices: [{ index: 0, message: { role: 'assistant', ...message }, logprobs: null, finish_reason }],
    usage,
    ...more,
  }
}

const completionUsed = { input_tokens: 9, output_tokens: 4, reasoning_tokens: 2 }

function message(content: readonly object[], stop_reason: string | null): object {
  const usage = { input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 9 }
  return { id: 'm1', type: 'message', role: 'assistant', model: 'c-1', content, stop_reason, usage }
}

function response(output: readonly object[], status: string, more: object = {}): object {
  const usage = { input_tokens: 30, output_tokens: 12, output_tokens_details: { reasoning_tokens: 8 } }
  return { id: 'r1', object: 'response', model: 'r-1', status, error: null, output, usage, ...more }
}

function said(...content: readonly object[]): object {
  return { type: 'message', role: 'assistant', content }
}

/** A document that a server sends in the place of a stream. */
function whole(
  name: string,
  dialect: WrittenStream['dialect'],
  document: unknown,
  expected: Omit<WrittenStream, 'name' | 'dialect' | 'body'>,
): WrittenStream {
  return { name: `${name}, as one document`, dialect, body: JSON.stringify(document), ...expected }
}

const pretty = (document: unknown): string => JSON.stringify(document, null, 2)

/** Answers of servers that ignore `stream: true`, and documents that are no answers. */
export const writtenDocuments: readonly WrittenStream[] = [
  whole('openai: text and usage', openai, completion({ content: 'Grüß 👋🏽 {"a":"]"}' }, 'stop'), {
    text: 'Grüß 👋🏽 {"a":"]"}',
    usage: completionUsed,
    finish: 'stop',
  }),
  whole(
    'openai: calls of tools',
    openai,
    completion(
      {
        content: null,
        tool_calls: [
          { id: 'a', type: 'function', function: { name: 'rain', arguments: '{"city":"京都"}' } },
          { id: 'b', type: 'function', function: { name: 'wind', arguments: '{}' } },
        ],
      },
      'tool_calls',
    ),
    {
      text: '',
      calls: [
        { id: 'a', name: 'rain', arguments: { city: '京都' } },
        { id: 'b', name: 'wind', arguments: {} },
      ],
      finish: 'tool_calls',
    },
  ),
  whole('openai: a refusal', openai, completion({ content: null, refusal: 'No.' }, 'stop'), {
    text: 'No.',
    finish: 'refusal',
  }),
  {
    name: 'compatible: one document behind white space that kept the connection open',
    dialect: openaiCompatible,
    body: `\n\n  \r\n${pretty(completion({ content: 'Да', reasoning_content: 'hm' }, 'length'))}\n`,
    text: 'Да',
    reasoning: 'hm',
    usage: completionUsed,
    finish: 'length',
  },
  {
    name: 'compatible: one document with the mark of a stream behind it',
    dialect: openaiCompatible,
    body: `${JSON.stringify(completion({ content: 'All.' }, 'stop'))}\n\ndata: [DONE]\n\n`,
    text: 'All.',
    finish: 'stop',
  },
  whole(
    'compatible: an error',
    openaiCompatible,
    { error: { message: 'sk-1', code: 'model_not_found' } },
    {
      text: '',
      error: '(model_not_found)',
      recoverable: false,
    },
  ),
  whole('compatible: an answer without a reason to stop', openaiCompatible, completion({ content: 'a' }, null), {
    text: 'a',
    error: 'before it was complete',
  }),
  whole('compatible: one chunk of a stream', openaiCompatible, chat({ content: 'a' }, 'stop'), {
    text: '',
    error: 'no answer of a model',
  }),
  whole(
    'compatible: a document of another kind',
    openaiCompatible,
    { status: 'ok', text: 'sk-1' },
    {
      text: '',
      error: 'no answer of a model',
    },
  ),
  whole('compatible: a list', openaiCompatible, [completion({ content: 'a' }, 'stop')], {
    text: '',
    error: 'no answer of a model',
  }),
  {
    name: 'compatible: a document that is cut off',
    dialect: openaiCompatible,
    body: pretty(completion({ content: 'a' }, 'stop')).slice(0, -2),
    text: '',
    error: 'before it was complete',
  },
  {
    name: 'compatible: brackets without JSON between them',
    dialect: openaiCompatible,
    body: '{choices: [sk-1]}',
    text: '',
    error: 'not valid JSON',
  },
  {
    name: 'compatible: a whole answer in the middle of a stream',
    dialect: openaiCompatible,
    body: `${events(chat({ content: 'half' }))}${JSON.stringify(completion({ content: 'All.' }, 'stop'))}\n`,
    text: 'half',
    error: 'not a server-sent event',
  },
  {
    name: 'compatible: a whole answer behind a comment',
    dialect: openaiCompatible,
    body: `: working\n\n${JSON.stringify(completion({ content: 'All.' }, 'stop'))}\n`,
    text: '',
    error: 'not a server-sent event',
  },
  whole(
    'anthropic: thinking, text with a source, a call',
    anthropic,
    message(
      [
        { type: 'thinking', thinking: 'Let me see.', signature: 'sig' },
        { type: 'redacted_thinking', data: 'x' },
        { type: 'text', text: 'Wet.', citations: [{ url: 'https://a.example', title: 'A' }] },
        { type: 'tool_use', id: 't1', name: 'rain', input: { city: 'Oslo' } },
      ],
      'tool_use',
    ),
    {
      text: 'Wet.',
      reasoning: 'Let me see.',
      sources: ['https://a.example'],
      calls: [{ id: 't1', name: 'rain', arguments: { city: 'Oslo' } }],
      usage: { input_tokens: 15, output_tokens: 9, cached_tokens: 5 },
      finish: 'tool_calls',
    },
  ),
  whole('anthropic: no reason to stop', anthropic, message([{ type: 'text', text: 'a' }], null), {
    text: 'a',
    error: 'before it was complete',
  }),
  whole(
    'anthropic: an error',
    anthropic,
    { type: 'error', error: { type: 'overloaded_error', message: 'sk-1' } },
    {
      text: '',
      error: '(overloaded_error)',
      recoverable: true,
    },
  ),
  whole('anthropic: an answer of another API', anthropic, completion({ content: 'a' }, 'stop'), {
    text: '',
    error: 'no answer of a model',
  }),
  whole(
    'responses: reasoning, text with a source, a call',
    openaiResponses,
    response(
      [
        { type: 'reasoning', id: 'rs', summary: [{ text: 'First.' }, { text: 'Then.' }] },
        said({ type: 'output_text', text: 'So.', annotations: [{ type: 'url_citation', url: 'https://a.example' }] }),
        { type: 'function_call', call_id: 'f1', name: 'rain', arguments: '{"city":"Oslo"}' },
      ],
      'completed',
    ),
    {
      text: 'So.',
      reasoning: 'First.\n\nThen.',
      sources: ['https://a.example'],
      calls: [{ id: 'f1', name: 'rain', arguments: { city: 'Oslo' } }],
      usage: { input_tokens: 30, output_tokens: 12, reasoning_tokens: 8 },
      finish: 'tool_calls',
    },
  ),
  whole(
    'responses: cut at the limit',
    openaiResponses,
    response([said({ type: 'output_text', text: 'So', annotations: [] })], 'incomplete', {
      incomplete_details: { reason: 'max_output_tokens' },
    }),
    { text: 'So', finish: 'length' },
  ),
  whole('responses: a refusal', openaiResponses, response([said({ type: 'refusal', refusal: 'No.' })], 'completed'), {
    text: 'No.',
    finish: 'refusal',
  }),
  whole(
    'responses: a failure',
    openaiResponses,
    response([], 'failed', { error: { code: 'server_error', message: 'sk-1' } }),
    { text: '', error: '(server_error)', recoverable: true },
  ),
  whole('responses: an answer that is still being made', openaiResponses, response([], 'in_progress'), {
    text: '',
    error: 'before it was complete',
  }),
  whole(
    'google: an answer',
    google,
    gemini([{ text: 'Hm.', thought: true }, { text: 'Wet.' }], {}, { finishReason: 'STOP' }),
    { text: 'Wet.', reasoning: 'Hm.', finish: 'stop' },
  ),
  {
    name: 'google: frames as a list, as without alt=sse',
    dialect: google,
    body: pretty([
      gemini([{ text: 'Grüß ' }]),
      gemini([{ text: 'dich' }], { usageMetadata: { promptTokenCount: 4, candidatesTokenCount: 2 } }),
      gemini([], {}, { finishReason: 'STOP' }),
    ]),
    text: 'Grüß dich',
    usage: { input_tokens: 4, output_tokens: 2 },
    finish: 'stop',
  },
  whole(
    'google: a blocked prompt',
    google,
    { promptFeedback: { blockReason: 'SAFETY' } },
    {
      text: '',
      finish: 'content_filter',
    },
  ),
  {
    name: 'google: a list that breaks off with an error',
    dialect: google,
    body: pretty([gemini([{ text: 'a' }]), { error: { code: 503, status: 'UNAVAILABLE', message: 'sk-1' } }]),
    text: 'a',
    error: '(UNAVAILABLE)',
    recoverable: true,
  },
  {
    name: 'ollama: a whole answer over several lines',
    dialect: ollama,
    body: pretty({
      model: 'l',
      message: { role: 'assistant', content: 'ça va' },
      done: true,
      done_reason: 'stop',
      prompt_eval_count: 3,
      eval_count: 2,
    }),
    text: 'ça va',
    usage: { input_tokens: 3, output_tokens: 2 },
    finish: 'stop',
  },
  {
    name: 'ollama: an error over several lines',
    dialect: ollama,
    body: pretty({ error: 'model "sk-1" not found' }),
    text: '',
    error: 'reported an error',
    recoverable: false,
  },
]
