import { events, lines, namedEvents } from '@streamstack/test-support/frames'
import { anthropic } from '../dialects/anthropic.ts'
import { google } from '../dialects/google.ts'
import { ollama } from '../dialects/ollama.ts'
import { openaiCompatible } from '../dialects/openai-compatible.ts'
import { openaiResponses } from '../dialects/openai-responses.ts'
import { openai } from '../dialects/openai.ts'
import {
  type WrittenStream,
  anthropicUsed,
  block,
  chat,
  created,
  crlf,
  gemini,
  messageDelta,
  messageStart,
  responseEnd,
  textBlock,
} from './written-streams.ts'

/** One of several choices. */
function choice(index: number, content: string, finish_reason: string | null = null): object {
  return { index, delta: { content }, finish_reason }
}

function withChoices(...choices: readonly object[]): object {
  return { id: 'c1', model: 'm-1', choices }
}

/** A failure that stands in the place of a reason to stop. */
function failedWith(finish_reason: string): WrittenStream {
  return {
    name: `compatible: finish_reason ${finish_reason} is a failure`,
    dialect: openaiCompatible,
    body: events(chat({ content: 'half' }), chat({}, finish_reason), '[DONE]'),
    text: 'half',
    error: 'reported an error',
    recoverable: true,
  }
}

const RAIN_AND_WIND = [
  { id: 'a', name: 'rain', arguments: { x: 1 } },
  { id: 'b', name: 'wind', arguments: { y: 2 } },
]

function calls(...tool_calls: readonly object[]): object {
  return chat({ tool_calls })
}

/** Gemini could not write its answer. */
function unwritten(finishReason: string): WrittenStream {
  return {
    name: `google: ${finishReason} is a failure`,
    dialect: google,
    body: crlf(events(gemini([{ text: 'half' }]), { candidates: [{ content: {}, finishReason }] })),
    text: 'half',
    error: `(${finishReason})`,
    recoverable: true,
  }
}

/** Streams of shapes that are rarer, or that an upstream must not get away with. */
export const oddStreams: readonly WrittenStream[] = [
  unwritten('MALFORMED_FUNCTION_CALL'),
  unwritten('UNEXPECTED_TOOL_CALL'),
  {
    name: 'compatible: calls that start in another order than they are numbered in',
    dialect: openaiCompatible,
    body: events(
      calls({ index: 1, id: 'b', function: { name: 'wind', arguments: '' } }),
      calls({ index: 0, id: 'a', function: { name: 'rain', arguments: '{"x":' } }),
      calls({ index: 1, function: { arguments: '{"y":2}' } }, { index: 0, function: { arguments: '1}' } }),
      chat({}, 'tool_calls'),
      '[DONE]',
    ),
    text: '',
    calls: RAIN_AND_WIND,
    finish: 'tool_calls',
  },
  {
    name: 'compatible: calls with one index for all, and a reason that knows of none',
    dialect: openaiCompatible,
    body: events(
      calls({ index: 0, id: 'a', function: { name: 'rain', arguments: '{"city":"京都"}' } }),
      calls({ index: 0, id: 'b', function: { name: 'rain', arguments: '{"city":' } }),
      calls({ index: 0, function: { arguments: '"Oslo"}' } }),
      chat({}, 'stop'),
      '[DONE]',
    ),
    text: '',
    calls: [
      { id: 'a', name: 'rain', arguments: { city: '京都' } },
      { id: 'b', name: 'rain', arguments: { city: 'Oslo' } },
    ],
    finish: 'tool_calls',
  },
  {
    name: 'compatible: another id with each piece of one call',
    dialect: openaiCompatible,
    body: events(
      calls({ index: 0, id: 'a1', function: { name: 'rain', arguments: '{"x"' } }),
      calls({ index: 0, id: 'a2', function: { arguments: ':1}' } }),
      chat({}, 'tool_calls'),
      '[DONE]',
    ),
    text: '',
    calls: [{ id: 'a1', name: 'rain', arguments: { x: 1 } }],
    finish: 'tool_calls',
  },
  {
    name: 'compatible: calls without an index, and with one id for both',
    dialect: openaiCompatible,
    body: events(
      calls({ id: 'a', function: { name: 'rain', arguments: '{"x":' } }),
      calls({ function: { arguments: '1}' } }),
      calls({ id: 'b', function: { name: 'wind', arguments: '{"y"' } }),
      calls({ id: 'b', function: { arguments: ':2}' } }),
      chat({}, 'tool_calls'),
      '[DONE]',
    ),
    text: '',
    calls: RAIN_AND_WIND,
    finish: 'tool_calls',
  },
  {
    name: 'compatible: one id for two calls',
    dialect: openaiCompatible,
    body: events(
      calls(
        { index: 0, id: 'same', function: { name: 'rain', arguments: '{}' } },
        { index: 1, id: 'same', function: { name: 'wind', arguments: '{}' } },
      ),
      chat({}, 'tool_calls'),
      '[DONE]',
    ),
    text: '',
    calls: [
      { id: 'same', name: 'rain', arguments: {} },
      { id: 'call_2', name: 'wind', arguments: {} },
    ],
    finish: 'tool_calls',
  },
  {
    name: 'compatible: emoji that are cut in half, in text and in reasoning',
    dialect: openaiCompatible,
    body: events(
      ...['a\\ud83d', '\\ude00\\ud83d', '\\udc68\\u200d\\ud83d', '\\udc69 b'].flatMap((text) => [
        `{"choices":[{"index":0,"delta":{"content":"${text}"}}]}`,
        chat({ role: 'assistant' }),
      ]),
      '{"choices":[{"index":0,"delta":{"reasoning":"\\ud83e"}}]}',
      '{"choices":[{"index":0,"delta":{"reasoning":"\\udd14"}}]}',
      chat({}, 'stop'),
      '[DONE]',
    ),
    text: 'a😀👨‍👩 b',
    reasoning: '🤔',
    finish: 'stop',
  },
  {
    name: 'compatible: frames without data between the others',
    dialect: openaiCompatible,
    body: `event: ping\ndata: \n\ndata:\n\n${events(chat({ content: 'Да' }, 'stop'))}data: \n\n${events('[DONE]')}`,
    text: 'Да',
    finish: 'stop',
  },
  {
    name: 'compatible: a whole answer in one frame',
    dialect: openaiCompatible,
    body: events(
      { model: 'm-1', choices: [{ index: 0, message: { role: 'assistant', content: 'All.' }, finish_reason: 'stop' }] },
      '[DONE]',
    ),
    text: 'All.',
    finish: 'stop',
  },
  {
    name: 'compatible: a message that repeats the answer of the deltas',
    dialect: openaiCompatible,
    body: events(
      chat({ content: 'Once' }),
      { choices: [{ index: 0, message: { role: 'assistant', content: 'Once' }, finish_reason: 'stop' }] },
      '[DONE]',
    ),
    text: 'Once',
    finish: 'stop',
  },
  {
    name: 'compatible: the older API of completions',
    dialect: openaiCompatible,
    body: events(
      { choices: [{ index: 0, text: 'Once ', finish_reason: null }] },
      { choices: [{ index: 0, text: 'more', finish_reason: 'length' }] },
      '[DONE]',
    ),
    text: 'Once more',
    finish: 'length',
  },
  {
    name: 'compatible: usage of DeepSeek',
    dialect: openaiCompatible,
    body: events(
      chat({ content: null, reasoning_content: 'Hm.' }),
      chat({ content: 'ok', reasoning_content: null }),
      chat({ content: '' }, 'stop', {
        usage: { prompt_tokens: 10, completion_tokens: 5, prompt_cache_hit_tokens: 7, prompt_cache_miss_tokens: 3 },
      }),
      '[DONE]',
    ),
    text: 'ok',
    reasoning: 'Hm.',
    usage: { input_tokens: 10, output_tokens: 5, cached_tokens: 7 },
    finish: 'stop',
  },
  {
    name: 'compatible: usage of Moonshot, inside the choice',
    dialect: openaiCompatible,
    body: events(
      chat({ content: 'ok' }),
      {
        choices: [
          {
            index: 0,
            delta: {},
            finish_reason: 'stop',
            usage: { prompt_tokens: 10, completion_tokens: 5, cached_tokens: 4 },
          },
        ],
      },
      '[DONE]',
    ),
    text: 'ok',
    usage: { input_tokens: 10, output_tokens: 5, cached_tokens: 4 },
    finish: 'stop',
  },
  {
    name: 'ollama: arguments as text',
    dialect: ollama,
    body: lines(
      {
        model: 'q',
        message: { content: '', tool_calls: [{ function: { name: 'rain', arguments: '{"city":"Oslo"}' } }] },
      },
      { done: true, done_reason: 'stop' },
    ),
    text: '',
    calls: [{ id: 'call_1', name: 'rain', arguments: { city: 'Oslo' } }],
    finish: 'tool_calls',
  },
  {
    name: 'responses: a summary of several paragraphs',
    dialect: openaiResponses,
    body: namedEvents(
      created,
      { type: 'response.reasoning_summary_part.added', summary_index: 0, part: { type: 'summary_text', text: '' } },
      { type: 'response.reasoning_summary_text.delta', summary_index: 0, delta: 'One.' },
      { type: 'response.reasoning_summary_part.added', summary_index: 1, part: { type: 'summary_text', text: '' } },
      { type: 'response.reasoning_summary_text.delta', summary_index: 1, delta: 'Two.' },
      { type: 'response.output_text.delta', delta: 'So.' },
      responseEnd('completed'),
    ),
    text: 'So.',
    reasoning: 'One.\n\nTwo.',
    finish: 'stop',
  },
  failedWith('error'),
  failedWith('abort'),
  failedWith('insufficient_system_resource'),
  {
    name: 'compatible: an error inside the choice',
    dialect: openaiCompatible,
    body: events(
      chat({ content: 'half' }),
      { choices: [{ index: 0, delta: {}, finish_reason: 'stop', error: { code: 502, message: 'sk-1 down' } }] },
      '[DONE]',
    ),
    text: 'half',
    error: 'reported an error',
    recoverable: true,
  },
  {
    name: 'compatible: a key in the place of a kind is not told',
    dialect: openaiCompatible,
    body: events({
      error: { code: 'sk-1-abcdefghijklmnopqrstuvwxyz0123456789', type: 'server_error', message: 'sk-1' },
    }),
    text: '',
    error: 'in its answer (server_error)',
    recoverable: true,
  },
  {
    name: 'compatible: Groq stops early',
    dialect: openaiCompatible,
    body: events(chat({ content: 'half' }), { ...chat({}, 'stop'), x_groq: { error: 'over capacity' } }, '[DONE]'),
    text: 'half',
    error: 'reported an error',
    recoverable: true,
  },
  {
    name: 'compatible: content in parts, as Mistral writes it',
    dialect: openaiCompatible,
    body: events(
      chat({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Let me ' }] }] }),
      chat({ content: [{ type: 'thinking', thinking: 'see.' }, { type: 'text', text: 'Yes' }, null, 'x', 3] }),
      chat({ content: '.' }, 'stop'),
      '[DONE]',
    ),
    text: 'Yes.',
    reasoning: 'Let me see.',
    finish: 'stop',
  },
  {
    name: 'compatible: a call as it was before tool_calls',
    dialect: openaiCompatible,
    body: events(
      chat({ function_call: { name: 'rain', arguments: '' } }),
      chat({ function_call: { arguments: '{"city":"Oslo"}' } }),
      chat({}, 'function_call'),
      '[DONE]',
    ),
    text: '',
    calls: [{ id: 'call_1', name: 'rain', arguments: { city: 'Oslo' } }],
    finish: 'tool_calls',
  },
  {
    name: 'compatible: a reason in upper case',
    dialect: openaiCompatible,
    body: events(chat({ content: 'a' }, 'STOP'), '[DONE]'),
    text: 'a',
    finish: 'stop',
  },
  {
    name: 'openai: a second answer in the same body is not read',
    dialect: openai,
    body: events(chat({ content: 'first' }), chat({}, 'stop'), {
      ...chat({ content: 'second' }),
      id: 'c2',
    }),
    text: 'first',
    finish: 'stop',
  },
  {
    name: 'openai: several choices, of which the first is read',
    dialect: openai,
    body: events(
      withChoices(choice(1, 'B'), choice(0, 'A')),
      withChoices(choice(1, 'BB', 'length')),
      withChoices(choice(0, 'AA', 'stop')),
      '[DONE]',
    ),
    text: 'AAA',
    finish: 'stop',
  },
  {
    name: 'google: a reason in each frame, three-byte letters, several candidates',
    dialect: google,
    body: crlf(
      events(
        gemini([{ text: '秋风，\n' }], {}, { finishReason: 'STOP', index: 0 }),
        gemini([{ text: 'no' }], {}, { finishReason: 'MAX_TOKENS', index: 1 }),
        gemini([{ text: '落叶。' }], {}, { finishReason: 'STOP', index: 0 }),
      ),
    ),
    text: '秋风，\n落叶。',
    finish: 'stop',
  },
  {
    name: 'anthropic: two calls, spaces behind the data',
    dialect: anthropic,
    body: namedEvents(
      messageStart,
      textBlock,
      { type: 'ping' },
      block(0, { type: 'text_delta', text: 'Both.' }),
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'tool_use', id: 't1', name: 'rain', input: {} } },
      block(1, { type: 'input_json_delta', partial_json: '{"city":"Oslo"}' }),
      { type: 'content_block_stop', index: 1 },
      { type: 'content_block_start', index: 2, content_block: { type: 'tool_use', id: 't2', name: 'wind', input: {} } },
      block(2, { type: 'input_json_delta', partial_json: '' }),
      { type: 'content_block_stop', index: 2 },
      messageDelta('tool_use'),
      { type: 'message_stop' },
    ).replaceAll('}\n\n', '}     \n\n'),
    text: 'Both.',
    calls: [
      { id: 't1', name: 'rain', arguments: { city: 'Oslo' } },
      { id: 't2', name: 'wind', arguments: {} },
    ],
    usage: anthropicUsed,
    finish: 'tool_calls',
  },
  {
    name: 'responses: an answer that waits in a queue first',
    dialect: openaiResponses,
    body: namedEvents(
      { ...created, response: { ...created.response, status: 'queued' } },
      { type: 'response.queued', response: { model: 'r-1', status: 'queued' } },
      { type: 'response.in_progress', response: { model: 'r-1' } },
      { type: 'response.output_text.delta', delta: 'At last.' },
      responseEnd('completed'),
    ),
    text: 'At last.',
    finish: 'stop',
  },
  {
    name: 'responses: an error event is named by its code',
    dialect: openaiResponses,
    body: namedEvents(created, { type: 'error', code: 'rate_limit_exceeded', message: 'sk-1 is too fast' }),
    text: '',
    error: '(rate_limit_exceeded)',
    recoverable: true,
  },
]
