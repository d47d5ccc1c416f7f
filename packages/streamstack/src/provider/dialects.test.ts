import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { events } from '@streamstack/test-support/frames'
import { newAnswer } from './answer.ts'
import { anthropic, dialects, ollama, openai, openaiResponses } from './dialects/index.ts'
import type { ProviderItem, UsageItem } from './item.ts'
import { readMessages } from './message.ts'
import { ProviderDecoder } from './provider-decoder.ts'
import { writtenDocuments } from './testing/written-documents.ts'
import { oddStreams } from './testing/written-oddities.ts'
import { type WrittenStream, writtenStreams } from './testing/written-streams.ts'

interface Decoded {
  items: ProviderItem[]
  error: StreamstackError | null
}

/** Reads pieces as a body that then ends properly. */
function decode({ dialect }: Pick<WrittenStream, 'dialect'>, pieces: readonly Uint8Array[]): Decoded {
  const answer = newAnswer(dialect.provider, 'ai.example', true)
  const decoder = new ProviderDecoder(dialect, answer, { host: 'ai.example', itemCharactersMax: 1_000_000 })
  const items: Value[] = []
  try {
    if (!pieces.some((piece) => decoder.push(piece, items))) decoder.end(items)
    return { items: items as ProviderItem[], error: null }
  } catch (error) {
    if (!(error instanceof StreamstackError)) throw error
    return { items: items as ProviderItem[], error }
  }
}

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [0, ...at.toSorted((a, b) => a - b), bytes.length]
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place))
}

/** What must not depend on how the bytes were cut. */
function comparable({ items, error }: Decoded): unknown {
  return {
    items,
    error: error === null ? null : [error.message, error.recoverable, error.details, String(error.cause)],
  }
}

const textOf = (items: readonly ProviderItem[], kind: string): string =>
  items.map((item) => (item.kind === kind ? item.text : '')).join('')

describe.each([...writtenStreams, ...oddStreams, ...writtenDocuments].map((stream) => [stream.name, stream] as const))(
  '%s',
  (_, stream) => {
    const bytes = Buffer.from(stream.body)
    const whole = decode(stream, [bytes])

    test('gives what it says', () => {
      const { items, error } = whole
      expect(textOf(items, 'text')).toBe(stream.text)
      expect(textOf(items, 'reasoning')).toBe(stream.reasoning ?? '')
      expect(items.flatMap((item) => (item.kind === 'source' ? [item.url] : []))).toEqual(stream.sources ?? [])
      expect(JSON.stringify(items)).not.toContain('\uFFFD')
      const last = items.at(-1)
      if (stream.error === undefined) {
        expect(error).toBeNull()
        expect(last).toMatchObject({ kind: 'status', state: 'finished', finish_reason: stream.finish })
        const calls = items.flatMap((item) =>
          item.kind === 'tool_call' ? [{ id: item.id, name: item.name, arguments: item.arguments }] : [],
        )
        expect(calls).toEqual(stream.calls ?? [])
        const usage = items.find((item): item is UsageItem => item.kind === 'usage')
        if (stream.usage !== undefined && stream.usage !== null) expect(usage).toMatchObject(stream.usage)
      } else {
        expect(error).toMatchObject({ code: 'upstream_failed' })
        expect(error?.message).toContain(stream.error)
        expect(error?.message).not.toContain('sk-1')
        if (stream.recoverable !== undefined) expect(error?.recoverable).toBe(stream.recoverable)
        expect(items.filter((item) => item.kind === 'status' && item.state === 'finished')).toEqual([])
      }
    })

    test('is the same when cut at any byte, and byte by byte', () => {
      const expected = JSON.stringify(comparable(whole))
      for (let place = 1; place < bytes.length; place++) {
        if (JSON.stringify(comparable(decode(stream, cut(bytes, [place])))) !== expected) {
          expect.fail(`differs when cut at byte ${place}: ${JSON.stringify(stream.body.slice(0, place).slice(-40))}`)
        }
      }
      expect(
        comparable(
          decode(
            stream,
            Array.from(bytes, (byte) => Uint8Array.of(byte)),
          ),
        ),
      ).toEqual(comparable(whole))
    })

    test('is the same when cut anywhere', () => {
      fc.assert(
        fc.property(fc.array(fc.nat(Math.max(0, bytes.length - 1)), { maxLength: 8 }), (at) => {
          expect(comparable(decode(stream, cut(bytes, at)))).toEqual(comparable(whole))
        }),
        { numRuns: 25 },
      )
    })
  },
)

test('every dialect has streams that complete, that are cut and that report an error', () => {
  for (const dialect of dialects) {
    const own = writtenStreams.filter((stream) => stream.dialect === dialect)
    expect(own.some(({ finish }) => finish !== undefined)).toBe(true)
    expect(own.some(({ error }) => error !== undefined)).toBe(true)
  }
})

test('random bytes are one error and never a finished answer', () => {
  fc.assert(
    fc.property(fc.constantFrom(...dialects), fc.uint8Array({ maxLength: 300 }), (dialect, bytes) => {
      const { items, error } = decode({ dialect }, [bytes])
      expect(error?.code).toBe('upstream_failed')
      expect(items).toEqual([])
    }),
    { numRuns: 300 },
  )
})

test('frames of any JSON never break a dialect', () => {
  fc.assert(
    fc.property(fc.constantFrom(...dialects), fc.array(fc.jsonValue(), { maxLength: 4 }), (dialect, frames) => {
      const body =
        dialect.framing === 'sse'
          ? events(...frames.map((frame) => JSON.stringify(frame)))
          : frames.map((frame) => `${JSON.stringify(frame)}\n`).join('')
      expect(decode({ dialect }, [Buffer.from(body)]).error?.code).toBe('upstream_failed')
    }),
    { numRuns: 300 },
  )
})

describe('an upstream that means harm', () => {
  const choice = (delta: object): object => ({ model: 'm', choices: [{ delta }] })
  const block = { type: 'tool_use', id: 'a', name: 'b' }

  test.each<[string, WrittenStream['dialect'], object[]]>([
    [
      'numbers a part in the billions',
      anthropic,
      [{ type: 'content_block_start', index: 4_000_000_000, content_block: block }],
    ],
    [
      'opens very many calls',
      openai,
      Array.from({ length: 300 }, (_, index) =>
        choice({ tool_calls: [{ index, id: `c${index}`, function: { name: 'a' } }] }),
      ),
    ],
    [
      'sends very many calls at once',
      ollama,
      [{ message: { tool_calls: Array.from({ length: 300 }, () => ({ function: { name: 'a' } })) } }],
    ],
  ])('%s, and has failed', (_, dialect, frames) => {
    const texts = frames.map((frame) => JSON.stringify(frame))
    const body = dialect.framing === 'sse' ? events(...texts) : `${texts.join('\n')}\n`
    expect(decode({ dialect }, [Buffer.from(body)]).error).toMatchObject({ code: 'upstream_failed' })
  })

  test.each([
    ['nested', `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
    ['long', JSON.stringify({ a: 'x'.repeat(1_100_000) })],
    ['a list', '[1]'],
  ])('writes arguments that are %s, and they count as unreadable', (_, given) => {
    const body = events(
      choice({ tool_calls: [{ index: 0, id: 'c', function: { name: 'a', arguments: given } }] }),
      { choices: [{ delta: {}, finish_reason: 'tool_calls' }] },
      '[DONE]',
    )
    const calls = decode({ dialect: openai }, [Buffer.from(body)]).items.filter(({ kind }) => kind === 'tool_call')
    expect(calls).toMatchObject([{ name: 'a', arguments: null }])
  })

  test('names members after what objects have anyway, and nothing comes of it', () => {
    const given = '{"__proto__":{"admin":true},"constructor":1}'
    const body = events(
      choice({ tool_calls: [{ index: 0, id: 'c', function: { name: '__proto__', arguments: given } }] }),
      { choices: [{ delta: {}, finish_reason: 'constructor' }] },
      '[DONE]',
    )
    const { items } = decode({ dialect: openai }, [Buffer.from(body)])
    expect(items.at(-1)).toMatchObject({ finish_reason: 'other' })
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })
})

describe('messages', () => {
  test('of the shapes in use are read alike', () => {
    const user = { role: 'user', content: [{ type: 'text', text: 'Hi' }] }
    expect(readMessages('Hi')).toEqual([user])
    expect(readMessages([{ role: 'user', content: 'Hi' }])).toEqual([user])
    expect(readMessages([{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }])).toEqual([user])
    expect(readMessages([{ id: '1', role: 'user', parts: [{ type: 'text', text: 'Hi' }] }])).toEqual([user])
    expect(readMessages([{ role: 'user', parts: [{ text: 'Hi' }] }])).toEqual([user])
    const image = { type: 'image', url: 'data:image/png;base64,AAAA' }
    const sources: Value[] = [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
      { type: 'image', source: { type: 'url', url: image.url } },
      { type: 'image_url', image_url: { url: image.url } },
      { type: 'input_image', image_url: image.url },
    ]
    for (const source of sources) {
      expect(readMessages([{ role: 'user', content: [source] }])).toEqual([{ role: 'user', content: [image] }])
    }
    const parts: Value[] = [
      { type: 'thinking', thinking: 'Hm.', signature: 's' },
      { type: 'redacted_thinking', data: 'x' },
      { type: 'source-url', url: 'https://a.example' },
      { type: 'refusal', refusal: 'いいえ' },
    ]
    expect(readMessages([{ role: 'assistant', content: parts }])).toMatchObject([
      { role: 'assistant', content: [{ type: 'text', text: 'いいえ' }], calls: [] },
    ])
  })

  test.each<[Value, string]>([
    [3, '`messages` must be a list'],
    [['Hi'], 'messages[0] must be an object'],
    [[{ role: 'root', content: 'a' }], 'messages[0] must have a role'],
    [[{ role: 'user', content: [{ type: 'video' }] }], 'messages[0] has a part'],
    [[{ role: 'user', content: { a: 1 } }], 'messages[0] must have a content'],
    // Results of tools have a role of their own: none comes in with what a user says.
    [
      [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: 'yes' }] }],
      'messages[0] has a part',
    ],
    [[{ role: 'user', content: [{ type: 'image', source: { type: 'file', file_id: 'f' } }] }], 'without a URL'],
    [
      [{ role: 'assistant', content: '', tool_calls: [{ name: 'a', arguments: 'no' }] }],
      'arguments are not a JSON object',
    ],
  ])('%j are refused', (value, message) => {
    expect(() => readMessages(value)).toThrow(message)
  })
})

test('with `store: false`, reasoning of which the server keeps nothing is left out; it would refuse the reference', () => {
  const call = { type: 'function_call', call_id: 'f1', name: 'look', arguments: '{}' }
  const sealed = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'x' }
  const input = [{ type: 'reasoning', id: 'rs_0', summary: [] }, sealed, call]
  expect(openaiResponses.streamed({ store: false, input })).toEqual({
    store: false,
    stream: true,
    input: [sealed, call],
  })
  expect(openaiResponses.streamed({ input })).toEqual({ stream: true, input })
})

describe('requests', () => {
  const messages = readMessages([
    { role: 'system', content: 'Be kind.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      ],
    },
    {
      role: 'assistant',
      content: 'Let me look.',
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{"x":1}' } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: '{"seen":"a cat"}' },
  ])
  const tools = [
    { name: 'look', description: 'Looks.', parameters: { type: 'object', properties: { x: { type: 'integer' } } } },
  ]
  const ask = { model: 'm', system: 'Be brief.', messages, temperature: 0.5, maxTokens: 100, tools }

  test.each(dialects.map((dialect) => [`${dialect.provider} ${dialect.path('m')}`, dialect] as const))(
    '%s',
    (_, dialect) => {
      expect(dialect.streamed(dialect.body(ask))).toMatchSnapshot()
    },
  )
})
