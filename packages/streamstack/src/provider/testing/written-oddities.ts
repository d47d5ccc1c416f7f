import { events, namedEvents } from '@streamstack/test-support/frames'
import { anthropic } from '../dialects/anthropic.ts'
import { google } from '../dialects/google.ts'
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

/** Streams of shapes that are rarer, or that an upstream must not get away with. */
export const oddStreams: readonly WrittenStream[] = [
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
