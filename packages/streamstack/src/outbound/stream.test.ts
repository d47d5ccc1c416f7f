import { readFileSync, readdirSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import zlib from 'node:zlib'
import * as fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { StreamstackError } from '@streamstack/protocol'
import type { Value } from '@streamstack/protocol'
import { withEnoughTime } from '@streamstack/test-support/enough-time'
import { parseExactJson } from '../text/parse-exact-json.ts'
import { startUpstream } from './fixtures/test-upstream.ts'
import type { TestHandler } from './fixtures/test-upstream.ts'
import { createOutbound } from './index.ts'
import type { EndMark, ItemEnds, ItemFormat, ItemSource, Lookup, OutboundRequest, OutboundSettings } from './index.ts'

const opened: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

interface OpenSettings extends Partial<OutboundSettings> {
  request?: Partial<OutboundRequest>
  ends?: ItemEnds
}

async function open(handler: TestHandler, items: ItemFormat, settings: OpenSettings = {}): Promise<ItemSource> {
  const { request, ends, ...rest } = settings
  const upstream = await startUpstream(handler)
  const outbound = createOutbound({ allow: [upstream.host], firstByteTimeoutMs: 5000, ...rest })
  opened.push(outbound, upstream)
  return outbound.stream({ url: upstream.origin, signal: new AbortController().signal, ...request }, items, ends)
}

interface Outcome {
  items: Value[]
  failure?: StreamstackError
}

async function readAll(source: ItemSource): Promise<Outcome> {
  const items: Value[] = []
  try {
    for (let item = await source.next(); item !== undefined; item = await source.next()) items.push(item)
    return { items }
  } catch (failure) {
    if (!(failure instanceof StreamstackError)) throw failure
    return { items, failure }
  }
}

/** Writes a body in pieces, each as a chunk of its own on the wire. */
async function writePieces(response: ServerResponse, body: Buffer, size: number): Promise<void> {
  for (let start = 0; start < body.length; start += size) {
    response.write(body.subarray(start, start + size))
    // Pieces written in one go would be read in one go.
    if ((start / size) % 64 === 63) await new Promise(setImmediate)
  }
  response.end()
}

function serve(text: string | Buffer, contentType = 'text/event-stream', size = Number.MAX_SAFE_INTEGER): TestHandler {
  const body = typeof text === 'string' ? Buffer.from(text) : text
  return (_request, response) => {
    response.setHeader('content-type', contentType)
    void writePieces(response, body, size)
  }
}

async function itemsOf(
  body: string | Buffer,
  items: ItemFormat,
  contentType?: string,
  ends?: ItemEnds,
): Promise<Value[]> {
  const outcome = await readAll(await open(serve(body, contentType), items, ends === undefined ? {} : { ends }))
  expect(outcome.failure).toBeUndefined()
  return outcome.items
}

const fixtures = new URL('fixtures/', import.meta.url)

describe('recorded provider streams', () => {
  const RECORDED: Record<string, number> = {
    'anthropic-tool-use.sse': 35,
    'gemini-prompt-blocked.sse': 1,
    'gemini-text-chinese.sse': 4,
    'gemini-text.sse': 3,
    'gemini-tool-call-thought-signature.sse': 2,
    'ollama-chat.ndjson': 50,
    // Without their `[DONE]`, which ends the items and is none itself.
    'openai-chat-text-usage.sse': 11,
    'openai-chat-tool-call.sse': 8,
    'openai-responses-background.sse': 17,
    'openai-responses-text.sse': 15,
    'openrouter-chat-comments-error.sse': 4,
  }

  test('are all tried', () => {
    const names = readdirSync(fixtures).filter((name) => /\.(sse|ndjson)$/.test(name))
    expect(names.toSorted()).toEqual(Object.keys(RECORDED))
  })

  test.each(Object.entries(RECORDED))('%s gives %i items, however it is split', async (name, count) => {
    const body = readFileSync(new URL(name, fixtures))
    const sse = name.endsWith('.sse')
    const contentType = sse ? 'text/event-stream' : 'application/x-ndjson'
    // One of them ends with an error frame.
    const ends = { passesBadItems: true }
    const whole = await itemsOf(body, 'auto', contentType, ends)
    expect(whole).toHaveLength(count)
    for (const item of whole) expect(item).toBeTypeOf('object')
    expect(JSON.stringify(whole)).not.toContain('\uFFFD')
    for (const size of [1, 7]) {
      const split = await readAll(await open(serve(body, contentType, size), sse ? 'sse' : 'ndjson', { ends }))
      expect(split).toEqual({ items: whole })
    }
  })

  test('keep the text of three-byte characters', async () => {
    const body = readFileSync(new URL('gemini-text-chinese.sse', fixtures))
    const { items } = await readAll(await open(serve(body, 'text/event-stream', 1), 'sse'))
    const texts = [...JSON.stringify(items).matchAll(/"text":"([^"]*)"/g)].map((match) => match[1])
    expect(texts[0]).toMatch(/^[\u4e00-\u9fff]+，/)
    // Each escaped line break is two characters here and one in the text.
    expect(texts.join('').replaceAll('\\n', ' ')).toHaveLength(225)
  })

  test.each(['gemini-text.sse', 'anthropic-tool-use.sse', 'ollama-chat.ndjson'])(
    '%s, compressed, gives the same items',
    async (name) => {
      const body = readFileSync(new URL(name, fixtures))
      const format = name.endsWith('.sse') ? 'sse' : 'ndjson'
      const plain = await itemsOf(body, format)
      const coded = { gzip: zlib.gzipSync, deflate: zlib.deflateSync, br: zlib.brotliCompressSync } as const
      for (const [coding, encode] of Object.entries(coded)) {
        const handler: TestHandler = (_request, response) => {
          response.setHeader('content-encoding', coding)
          void writePieces(response, encode(body), 13)
        }
        expect(await readAll(await open(handler, format))).toEqual({ items: plain })
      }
    },
  )
})

describe('server-sent events', () => {
  test.each([
    { name: 'LF', body: 'data: a\n\ndata: b\n\n', items: ['a', 'b'] },
    { name: 'CRLF', body: 'data: a\r\n\r\ndata: b\r\n\r\n', items: ['a', 'b'] },
    { name: 'CR', body: 'data: a\r\rdata: b\r\r', items: ['a', 'b'] },
    { name: 'a byte order mark', body: '\uFEFFdata: a\n\n', items: ['a'] },
    { name: 'several data lines', body: 'data: a\ndata: b\n\n', items: ['a\nb'] },
    { name: 'comments, ids and retries', body: ': hi\n\nid: 1\nretry: 5\ndata: a\n\n', items: ['a'] },
    { name: 'no blank line at the end', body: 'data: a\n\ndata: b\n', items: ['a', 'b'] },
    { name: 'no line end at the end', body: 'data: a\n\ndata: b', items: ['a', 'b'] },
    { name: 'a bare CR at the end', body: 'data: a\n\ndata: b\r', items: ['a', 'b'] },
    {
      name: 'JSON of every kind',
      body: 'data: {"a":[1]}\n\ndata: "x"\n\ndata: 5\n\ndata: true\n\n',
      items: [{ a: [1] }, 'x', 5, true],
    },
    { name: 'null', body: 'data: null\n\n', items: [null] },
    {
      name: 'text that only looks like numbers',
      body: 'data: 1.0\n\ndata: 007\n\ndata: 12345678901234567890\n\n',
      items: ['1.0', '007', '12345678901234567890'],
    },
    { name: 'spaces of plain words', body: 'data:  word \n\ndata:\n\n', items: [' word ', ''] },
    { name: 'words that open like JSON', body: 'data: see\n\ndata: [1\n\ndata: {a\n\n', items: ['see', '[1', '{a'] },
    { name: '[DONE]', body: 'data: a\n\ndata: [DONE]\n\ndata: after\n\n', items: ['a'] },
    { name: 'no events', body: '', items: [] },
    { name: 'named events', body: 'event: ping\ndata: {}\n\nevent: end\ndata: x\n\n', items: [{}, 'x'] },
  ])('with $name', async ({ body, items }) => {
    for (const size of [1, 2, 3, 1000]) {
      expect(await readAll(await open(serve(body, 'text/event-stream', size), 'sse'))).toEqual({ items })
    }
  })

  test('can be had whole, marks and errors included', async () => {
    const body = 'event: error\nid: 7\ndata: {"message":"no"}\n\ndata: [DONE]\n\n'
    expect(await itemsOf(body, 'sse-events')).toEqual([
      { event: 'error', id: '7', data: { message: 'no' } },
      { event: 'message', id: null, data: '[DONE]' },
    ])
  })

  test('an error event is a failure after the items before it, and its text stays on the server', async () => {
    const body = 'data: a\n\nevent: error\ndata: {"message":"quota of key sk-123"}\n\ndata: b\n\n'
    for (const size of [1, 1000]) {
      const { items, failure } = await readAll(await open(serve(body, 'text/event-stream', size), 'sse'))
      expect(items).toEqual(['a'])
      expect(failure).toMatchObject({ code: 'upstream_failed', recoverable: true })
      expect(failure?.message).not.toContain('sk-123')
      expect(String(failure?.cause)).toContain('sk-123')
    }
  })

  test.each([
    { name: 'a JSON document alone', body: '{"error":{"message":"bad key"}}', items: [] },
    { name: 'a JSON document in the middle', body: 'data: a\r\n\r\n{\r\n  "error": {}\r\n}\r\n', items: ['a'] },
    { name: 'a JSON list', body: '[{\n"error": {}}]', items: [] },
    { name: 'an HTML page', body: '<!doctype html><p>busy', items: [] },
    { name: 'an event that is cut', body: 'data: a\n\ndata: {"text":"b', items: ['a'] },
  ])('$name under status 200 is no clean end', async ({ body, items }) => {
    for (const size of [1, 3, 1000]) {
      const outcome = await readAll(await open(serve(body, 'text/event-stream', size), 'sse'))
      expect(outcome.items).toEqual(items)
      expect(outcome.failure).toMatchObject({ code: 'upstream_failed', recoverable: true })
      expect(outcome.failure?.message).not.toContain('bad key')
    }
  })

  test('any data comes out as it went in, split anywhere', async () => {
    let body = Buffer.alloc(0)
    let size = 1
    const upstream = await startUpstream((_request, response) => void writePieces(response, body, size))
    const outbound = createOutbound({ allow: [upstream.host], firstByteTimeoutMs: 5000 })
    opened.push(outbound, upstream)
    const signal = new AbortController().signal
    const ends = fc.constantFrom('\n', '\r\n', '\r')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 8 }),
        ends,
        fc.integer({ min: 1, max: 40 }),
        async (values, end, pieceBytes) => {
          const sent = values.map((value) => JSON.stringify(value))
          const items = sent.map(parseExactJson)
          body = Buffer.from(sent.map((text) => `data: ${text}${end}${end}`).join(''))
          size = pieceBytes
          expect(await readAll(await outbound.stream({ url: upstream.origin, signal }, 'sse'))).toEqual({ items })
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('an end mark', () => {
  const DONE: readonly EndMark[] = ['[DONE]']
  const MESSAGE_STOP: readonly EndMark[] = [{ type: 'message_stop' }]

  interface Marked {
    name: string
    items: ItemFormat
    body: string
    until: readonly EndMark[]
    expected: Value[]
    /** Where the last event begins that a cut can still complete; default: before its last character. */
    cutsBefore?: number
  }

  /** Each body is complete; every part of it that lacks its mark is not. */
  test.each<Marked>([
    {
      name: 'a text of events',
      items: 'sse',
      body: 'data: {"a":1}\n\ndata: [DONE]\n\n',
      until: DONE,
      expected: [{ a: 1 }],
    },
    {
      name: 'a text of event texts',
      items: 'sse-text',
      body: 'data: a\n\ndata: [DONE]\n\n',
      until: DONE,
      expected: ['a'],
    },
    {
      name: 'members of the last event',
      items: 'sse',
      body: 'data: {"a":1}\n\nevent: message_stop\ndata: {"type":"message_stop","n":2}\n\n',
      until: MESSAGE_STOP,
      expected: [{ a: 1 }, { type: 'message_stop', n: 2 }],
    },
    {
      name: 'members of whole events',
      items: 'sse-events',
      body: 'data: 1\n\nevent: bye\ndata: 2\n\n',
      until: [{ event: 'bye' }],
      cutsBefore: 'data: 1\n\nevent: bye\ndat'.length,
      expected: [
        { event: 'message', id: null, data: 1 },
        { event: 'bye', id: null, data: 2 },
      ],
    },
    {
      name: 'members deep inside, in lists as well',
      items: 'sse',
      body: 'data: {"candidates":[{"text":"a"}]}\n\ndata: {"candidates":[{"text":"b","finishReason":"STOP"}]}\n\n',
      until: [{ candidates: [{ finishReason: 'STOP' }] }, { candidates: [{ finishReason: 'MAX_TOKENS' }] }],
      expected: [{ candidates: [{ text: 'a' }] }, { candidates: [{ text: 'b', finishReason: 'STOP' }] }],
    },
    {
      name: 'members of the last JSON line',
      items: 'ndjson',
      body: '{"a":1}\n{"done":true}\n',
      until: [{ done: true }],
      expected: [{ a: 1 }, { done: true }],
    },
    {
      name: 'a line between JSON lines',
      items: 'ndjson',
      body: '{"a":1}\nEND\n',
      until: ['END'],
      expected: [{ a: 1 }],
    },
    { name: 'a line', items: 'lines', body: 'a\nEND\n', until: ['END'], expected: ['a'] },
    { name: 'one of several', items: 'lines', body: 'a\nOVER\n', until: ['END', 'OVER'], expected: ['a'] },
  ])('as $name', async ({ items, body, until, expected, cutsBefore = body.trimEnd().length - 1 }) => {
    for (const size of [1, 7, 1000]) {
      const after = `${body}data: "after"\n\n`
      expect(await readAll(await open(serve(body, '', size), items, { ends: { until } }))).toEqual({ items: expected })
      // What comes after the mark is no part of the answer any more.
      expect(await readAll(await open(serve(after, '', size), items, { ends: { until } }))).toEqual({ items: expected })
    }
    for (let end = 0; end < cutsBefore; end++) {
      const { items: found, failure } = await readAll(
        await open(serve(body.slice(0, end), ''), items, { ends: { until } }),
      )
      expect(failure?.code, `cut at ${end}`).toBe('upstream_failed')
      expect(found.length).toBeLessThanOrEqual(expected.length)
    }
  })

  test('that is another than the wanted one is none', async () => {
    const body = 'data: {"a":1}\n\ndata: [DONE]\n\n'
    const { items, failure } = await readAll(await open(serve(body), 'sse', { ends: { until: MESSAGE_STOP } }))
    expect(items).toEqual([{ a: 1 }])
    expect(failure).toMatchObject({ code: 'upstream_failed', message: expect.stringContaining('mark') })
  })

  test('of this server is its outcome, unless the step names another', async () => {
    const events = 'id: 1\ndata: "a"\n\nevent: end\ndata: {"outcome":"completed","offset":1,"error":null}\n\n'
    const lines =
      '{"offset":1,"type":"chunk","content":"a"}\n{"type":"end","outcome":"completed","offset":1,"error":null}\n'
    const read = async (body: string, type: string, until?: readonly EndMark[]): Promise<string | undefined> => {
      const upstream = await startUpstream(serve(body, type))
      const outbound = createOutbound({ allow: ['self'], ownUrl: upstream.origin })
      opened.push(outbound, upstream)
      const request = { url: '/own', signal: new AbortController().signal }
      return (await readAll(await outbound.stream(request, 'auto', until === undefined ? {} : { until }))).failure?.code
    }
    expect(await read(events, 'text/event-stream')).toBeUndefined()
    expect(await read(lines, 'application/x-ndjson')).toBeUndefined()
    for (const body of [events.slice(0, 17), events.slice(0, 30)]) {
      expect(await read(body, 'text/event-stream')).toBe('upstream_failed')
    }
    expect(await read(lines.slice(0, 42), 'application/x-ndjson')).toBe('upstream_failed')
    // Other types have no place for an outcome.
    expect(await read('a\n', 'text/plain')).toBeUndefined()
    expect(await read(events, 'text/event-stream', ['[DONE]'])).toBe('upstream_failed')
  })
})

describe('an item that is an error, or no item', () => {
  const bad: Record<string, string> = {
    'an error object': '{"error":{"message":"sk-123","type":"overloaded"}}',
    'an error object beside others': '{"id":"x","choices":[],"error":{"code":400}}',
    'an error text alone': '{"error":"model not found"}',
    'a named error': '{"type":"error","message":"sk-123"}',
    'an object called error': '{"object":"error","message":"sk-123"}',
    'JSON that is cut': '{"a":{"b":1}',
    'JSON with a word in it': '{"a": undefined}',
    'a list that is cut': '[{"a":1},',
  }

  test.each(Object.entries(bad))('%s fails, unless the step passes it on', async (_name, text) => {
    for (const format of ['sse', 'ndjson'] as const) {
      const body = format === 'sse' ? `data: {"n":1}\n\ndata: ${text}\n\n` : `{"n":1}\n${text}\n`
      const { items, failure } = await readAll(await open(serve(body, ''), format))
      expect(items).toEqual([{ n: 1 }])
      expect(failure).toMatchObject({ code: 'upstream_failed' })
      expect(failure?.message).not.toContain('sk-123')
      const passed = await readAll(await open(serve(body, ''), format, { ends: { passesBadItems: true } }))
      expect(passed.failure).toBeUndefined()
      expect(passed.items).toHaveLength(2)
    }
  })

  test.each([
    '{"error":null}',
    '{"error":""}',
    '{"error":false}',
    '{"level":"error","error":"disk","host":"a"}',
    '{"type":"error"}',
    '{"errors":[]}',
    '{"data":{"error":{"a":1}}}',
    '[{"error":{}}]',
  ])('%s is an item like others', async (text) => {
    expect(await itemsOf(`data: ${text}\n\n`, 'sse')).toEqual([JSON.parse(text)])
    expect(await itemsOf(`${text}\n`, 'ndjson', '')).toEqual([JSON.parse(text)])
  })

  test('event texts are taken as they are, and an error event is a failure among them as well', async () => {
    expect(await itemsOf('data: {"a"\n\ndata: 5\n\ndata: {"error":{}}\n\n', 'sse-text')).toEqual([
      '{"a"',
      '5',
      '{"error":{}}',
    ])
    const { failure } = await readAll(await open(serve('event: error\ndata: x\n\n'), 'sse-text'))
    expect(failure?.code).toBe('upstream_failed')
  })
})

describe('lines, JSON lines, text and documents', () => {
  test.each([
    { body: 'a\nb\r\n\nc', items: ['a', 'b', '', 'c'] },
    { body: 'a\n', items: ['a'] },
    { body: 'a\rb\r', items: ['a\rb'] },
    { body: '', items: [] },
    { body: 'grün\n日本\n', items: ['grün', '日本'] },
  ])('lines of $body', async ({ body, items }) => {
    for (const size of [1, 2, 1000]) {
      expect(await readAll(await open(serve(body, 'text/plain', size), 'lines'))).toEqual({ items })
    }
  })

  test('keep whole numbers beyond 2^53 digit by digit', async () => {
    const text = '{"n":9007199254740993,"m":9007199254740991}'
    const exact = { n: '9007199254740993', m: 9007199254740991 }
    expect(await itemsOf(`${text}\n`, 'ndjson', 'application/x-ndjson')).toEqual([exact])
    expect(await itemsOf(text, 'auto', 'application/json')).toEqual([exact])
    expect(await itemsOf(`data: ${text}\n\ndata: 9007199254740993\n\n`, 'sse')).toEqual([exact, '9007199254740993'])
  })

  test('lines in a declared charset', async () => {
    const body = Buffer.from('gr\xfcn\n', 'latin1')
    expect(await itemsOf(body, 'lines', 'text/plain; charset="ISO-8859-1"')).toEqual(['grün'])
  })

  test('JSON lines skip blank lines and take a last line without an end', async () => {
    expect(await itemsOf('{"a":1}\n\n  \r\n[2]\r\n"c"', 'ndjson')).toEqual([{ a: 1 }, [2], 'c'])
  })

  test('a line that is no JSON is named by its number, after the items before it', async () => {
    const outcome = await readAll(await open(serve('{"a":1}\n\n{"secret":\n{"b":2}\n'), 'ndjson'))
    expect(outcome.items).toEqual([{ a: 1 }])
    expect(outcome.failure).toMatchObject({ code: 'upstream_failed' })
    expect(outcome.failure?.message).toContain('Line 3 ')
    expect(outcome.failure?.message).not.toContain('secret')
  })

  test('text pieces never break a character', async () => {
    const text = 'naïve 日本語 👩‍👩‍👧 ende'
    const { items, failure } = await readAll(await open(serve(text, 'text/plain', 1), 'bytes'))
    expect(failure).toBeUndefined()
    const pieces = items.map(String)
    expect(pieces.join('')).toBe(text)
    expect(pieces.length).toBeGreaterThan(10)
    for (const piece of pieces) expect(piece.isWellFormed()).toBe(true)
  })

  test.each([
    { contentType: 'text/event-stream; charset=utf-8', body: 'data: a\n\n', items: ['a'] },
    { contentType: 'application/x-ndjson', body: '1\n2\n', items: [1, 2] },
    { contentType: 'application/jsonl', body: '1\n2\n', items: [1, 2] },
    { contentType: 'application/json', body: '{"a":\n1}', items: [{ a: 1 }] },
    { contentType: 'application/problem+json', body: '[1,2]', items: [[1, 2]] },
    { contentType: 'text/csv', body: 'a,b\n1,2\n', items: ['a,b', '1,2'] },
    { contentType: 'application/octet-stream', body: 'a\nb', items: ['a\nb'] },
  ])('auto reads $contentType', async ({ contentType, body, items }) => {
    expect(await itemsOf(body, 'auto', contentType)).toEqual(items)
  })
})

async function failureOf(promise: Promise<unknown>): Promise<StreamstackError> {
  return promise.then(
    () => Promise.reject(new Error('expected a failure')),
    (error: StreamstackError) => error,
  )
}

const unknownCoding: TestHandler = (_request, response) => {
  response.setHeader('content-encoding', 'rot13')
  response.end('x')
}

const overLimit: TestHandler = (_request, response) => {
  response.writeHead(429, { 'retry-after': '7' }).end('key sk-123 is over its limit')
}

/** Comments for longer than one silence may last, then a second event, then nothing. */
const trickle =
  (idleTimeoutMs: number): TestHandler =>
  (_request, response) => {
    response.write('data: a\n\n')
    const timer = setInterval(() => response.write(':\n'), 20)
    setTimeout(() => {
      clearInterval(timer)
      response.write('data: b\n\n')
    }, 2 * idleTimeoutMs)
  }

const pausing: TestHandler = (_request, response) => {
  response.write('data: a\n\n')
  setTimeout(() => response.end('data: b\n\n'), 20)
}

/** Two events, then nothing; `closed` settles when the connection goes. */
function silent(): { handler: TestHandler; closed: Promise<unknown> } {
  const { promise: closed, resolve } = Promise.withResolvers<unknown>()
  return {
    closed,
    handler: (_request, response) => {
      response.on('close', resolve)
      response.write('data: a\n\ndata: b\n\n')
    },
  }
}

describe('an upstream that breaks', () => {
  test('resets the connection: what came is given, then a failure', async () => {
    // A reset takes along what the other side's system holds: until then it must have been read.
    await withEnoughTime(async (seconds) => {
      const handler: TestHandler = (_request, response) => {
        response.write('data: a\n\ndata: b\n\n')
        setTimeout(() => response.socket?.resetAndDestroy(), seconds * 1_000)
      }
      const { items, failure } = await readAll(await open(handler, 'sse'))
      expect(items).toEqual(['a', 'b'])
      expect(failure).toMatchObject({ code: 'upstream_failed', recoverable: true })
    }, 0.02)
  })

  const dying: Record<string, TestHandler> = {
    'closes in the middle of a chunked body': (_request, response) => {
      response.write('data: a\n\ndata: b\n\n')
      setTimeout(() => response.socket?.destroy(), 20)
    },
    'closes in the middle of an event': (_request, response) => {
      response.write('data: a\n\ndata: b\n\ndata: half')
      setTimeout(() => response.socket?.end(), 20)
    },
    'sends less than its Content-Length': (_request, response) => {
      response.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ndata: a\n\ndata: b\n\n')
    },
    'sends a broken chunk': (_request, response) => {
      response.socket?.end(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n12\r\ndata: a\n\ndata: b\n\n\r\nzz\r\n',
      )
    },
  }

  test.each(Object.entries(dying))('%s: what came is given, then a failure', async (_name, handler) => {
    const source = await open(handler, 'sse')
    // Nothing is lost when the reader comes late, after the connection has gone.
    await sleep(80)
    const { items, failure } = await readAll(source)
    expect(items).toEqual(['a', 'b'])
    expect(failure).toMatchObject({ code: 'upstream_failed', recoverable: true })
    await expect(source.next()).rejects.toBe(failure)
  })

  test('a compressed body that is cut is no clean end', async () => {
    const whole = zlib.gzipSync('data: a\n\n'.repeat(200))
    const handler: TestHandler = (_request, response) => {
      response.setHeader('content-encoding', 'gzip')
      response.end(whole.subarray(0, whole.length - 6))
    }
    const { failure } = await readAll(await open(handler, 'sse'))
    expect(failure).toMatchObject({ code: 'upstream_failed' })
  })

  test('an unknown Content-Encoding is refused with the cure', async () => {
    const failure = await failureOf(open(unknownCoding, 'sse'))
    expect(failure.code).toBe('upstream_failed')
    expect(failure.message).toContain('Accept-Encoding: identity')
  })

  test('an error status is an error, with the advice when to come back', async () => {
    const failure = await failureOf(open(overLimit, 'sse'))
    expect(failure).toMatchObject({
      code: 'upstream_status',
      recoverable: true,
      retryAfterMs: 7000,
      details: { upstream_status: 429 },
    })
    expect(failure.message).not.toContain('sk-123')
    expect(String(failure.cause)).toContain('sk-123')
  })

  test('silence between bytes is a timeout; a trickle of comments is not', async () => {
    await withEnoughTime(async (seconds) => {
      const idleTimeoutMs = seconds * 1_000
      const { items, failure } = await readAll(
        await open(trickle(idleTimeoutMs), 'sse', { request: { idleTimeoutMs } }),
      )
      expect(items).toEqual(['a', 'b'])
      expect(failure).toMatchObject({ code: 'upstream_timeout', recoverable: true })
    }, 0.15)
  })

  test('a reader that does not ask is no silence of the upstream', async () => {
    await withEnoughTime(async (seconds) => {
      const source = await open(pausing, 'sse', { request: { idleTimeoutMs: seconds * 1_000 } })
      expect(await source.next()).toBe('a')
      await sleep(seconds * 2_500)
      expect(await readAll(source)).toEqual({ items: ['b'] })
    }, 0.06)
  })

  test('one item that never ends is too large', async () => {
    for (const [format, piece] of [
      ['sse', 'data: xxxxxxx'],
      ['sse', 'data: x\n'],
      ['ndjson', '[[[[[['],
      ['lines', 'xxxxxx'],
    ] as const) {
      const handler: TestHandler = (_request, response) => {
        const more = (): void => {
          while (!response.destroyed && response.write(piece.repeat(50)));
        }
        response.on('drain', more)
        more()
      }
      const { items, failure } = await readAll(await open(handler, format, { itemCharactersMax: 10_000 }))
      expect(items).toEqual([])
      expect(failure).toMatchObject({ code: 'upstream_too_large' })
    }
  })

  test('a whole stream can be given a bound', async () => {
    const source = await open(serve('data: a\n\n'.repeat(1000), 'text/event-stream', 90), 'sse', {
      request: { maxBytes: 900 },
    })
    const { items, failure } = await readAll(source)
    expect(failure).toMatchObject({ code: 'upstream_too_large' })
    expect(items.length).toBeLessThanOrEqual(100)
  })
})

describe('a reader', () => {
  test('gets what is here without a promise', async () => {
    const source = await open(serve('data: 1\n\ndata: 2\n\ndata: 3\n\n'), 'sse')
    expect(await source.next()).toBe(1)
    expect(source.next()).toBe(2)
    expect(source.next()).toBe(3)
    expect(await source.next()).toBeUndefined()
    expect(source.next()).toBeUndefined()
  })

  test('that does not read makes the upstream wait', async () => {
    let written = 0
    const line = Buffer.from(`data: ${'x'.repeat(1000)}\n\n`)
    const handler: TestHandler = (_request, response) => {
      const more = (): void => {
        while (written < 200_000_000 && response.write(line)) written += line.length
      }
      response.on('drain', more)
      more()
    }
    const source = await open(handler, 'sse')
    expect(await source.next()).toHaveLength(1000)
    let before = -1
    while (before !== written) {
      before = written
      await sleep(100)
    }
    // What fits into the buffers of two sockets, far from what the upstream has to say.
    expect(written).toBeLessThan(20_000_000)
    for (let index = 0; index < 1000; index++) expect(await source.next()).toHaveLength(1000)
    source.close()
  })

  test('that leaves closes the connection of the upstream, and no false end is seen', async () => {
    const { handler, closed } = silent()
    const source = await open(handler, 'sse')
    expect(await source.next()).toBe('a')
    expect(source.next()).toBe('b')
    const waiting = source.next()
    source.close()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    await expect(source.next()).rejects.toMatchObject({ name: 'AbortError' })
    await closed
    source.close()
  })

  test('whose signal fires gets its reason at once, before anything that is buffered', async () => {
    const { handler, closed } = silent()
    const controller = new AbortController()
    const source = await open(handler, 'sse', { request: { signal: controller.signal } })
    expect(await source.next()).toBe('a')
    const reason = new Error('cancelled')
    controller.abort(reason)
    await expect(source.next()).rejects.toBe(reason)
    await closed
  })

  test('whose signal fires while it waits gets its reason', async () => {
    const { handler, closed } = silent()
    const controller = new AbortController()
    const source = await open(handler, 'sse', { request: { signal: controller.signal } })
    expect(await source.next()).toBe('a')
    expect(source.next()).toBe('b')
    const waiting = source.next()
    const reason = new Error('cancelled')
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await closed
  })

  test('leaves a compressed stream just so', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<unknown>()
    const handler: TestHandler = (_request, response) => {
      response.on('close', resolve)
      response.setHeader('content-encoding', 'gzip')
      const gzip = zlib.createGzip({ flush: zlib.constants.Z_SYNC_FLUSH })
      gzip.on('data', (data: Buffer) => response.write(data))
      gzip.write('data: a\n\n')
    }
    const source = await open(handler, 'sse')
    // The item is here although the compressed stream goes on.
    expect(await source.next()).toBe('a')
    source.close()
    await closed
  })

  test('leaves no listener on the signal of a long run', async () => {
    const controller = new AbortController()
    let listeners = 0
    const { signal } = controller
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...parameters: Parameters<typeof add>) => (listeners++, add(...parameters))
    signal.removeEventListener = (...parameters: Parameters<typeof remove>) => (listeners--, remove(...parameters))
    await readAll(await open(serve('data: a\n\n'), 'sse', { request: { signal } }))
    await open((_request, response) => void response.writeHead(500).end(), 'sse', { request: { signal } }).catch(
      () => 0,
    )
    expect(listeners).toBe(0)
  })

  test('finds its connection again after [DONE]', () =>
    // As long as the end of an answer may take to arrive behind its mark.
    withEnoughTime(async (seconds) => {
      let connections = 0
      const upstream = await startUpstream((_request, response) => {
        response.write('data: a\n\ndata: [DONE]\n\n')
        setTimeout(() => response.end(), 10)
      })
      // The name is looked up once for each connection.
      const lookup: Lookup = async () => {
        connections++
        return [{ address: '127.0.0.1', family: 4 }]
      }
      const outbound = createOutbound({ allow: [upstream.host], firstByteTimeoutMs: 5000, lookup })
      opened.push(outbound, upstream)
      const signal = new AbortController().signal
      const url = `http://again.example:${upstream.port}/`
      for (let round = 0; round < 3; round++) {
        expect(await readAll(await outbound.stream({ url, signal }, 'sse'))).toEqual({ items: ['a'] })
        await sleep(seconds * 1_000)
      }
      expect(connections).toBe(1)
    }, 0.06))
})

test('closing the door breaks off what is under way', async () => {
  const upstream = await startUpstream((_request, response) => void response.write('data: a\n\n'))
  opened.push(upstream)
  const outbound = createOutbound({ allow: [upstream.host], firstByteTimeoutMs: 5000 })
  const signal = new AbortController().signal
  const source = await outbound.stream({ url: upstream.origin, signal }, 'sse')
  expect(await source.next()).toBe('a')
  const waiting = source.next()
  const failed = expect(waiting).rejects.toMatchObject({ code: 'unavailable' })
  await outbound.close()
  await failed
  await expect(outbound.stream({ url: upstream.origin, signal }, 'sse')).rejects.toMatchObject({ code: 'unavailable' })
})

test('a signal that has fired already sends nothing', async () => {
  let asked = 0
  const upstream = await startUpstream(() => void asked++)
  opened.push(upstream)
  const outbound = createOutbound({ allow: [upstream.host], firstByteTimeoutMs: 5000 })
  opened.push(outbound)
  const reason = new Error('already')
  const request = { url: upstream.origin, signal: AbortSignal.abort(reason) }
  await expect(outbound.stream(request, 'sse')).rejects.toBe(reason)
  expect(asked).toBe(0)
})

test('leaving before the answer closes the connection', async () => {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<unknown>()
  const { promise: closed, resolve: close } = Promise.withResolvers<unknown>()
  const upstream = await startUpstream((request) => {
    request.on('close', close)
    arrive(request)
  })
  opened.push(upstream)
  const outbound = createOutbound({ allow: [upstream.host], firstByteTimeoutMs: 5000 })
  opened.push(outbound)
  const controller = new AbortController()
  const waiting = outbound.stream({ url: upstream.origin, signal: controller.signal }, 'sse')
  await arrived
  const reason = new Error('left')
  controller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  await closed
})
