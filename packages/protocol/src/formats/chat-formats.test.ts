import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CONTENT_KINDS } from '../chunk-kind.ts'
import type { Chunk } from '../chunk.ts'
import { type FormatName, formats } from './index.ts'

const STREAM = { run: '01a22d79-773c-7000-a267-6b9f9be041ae' }

const json = (kind: Chunk['kind'], value: unknown): Chunk => ({ kind, data: JSON.stringify(value), metadata: null })

const anyText = fc.string({ unit: 'binary', maxLength: 12 })

const anyChunk: fc.Arbitrary<Chunk> = fc.oneof(
  anyText.map((data): Chunk => ({ kind: 'text', data, metadata: '{"chunk_index":1}' })),
  anyText.map((data): Chunk => ({ kind: 'reasoning', data, metadata: null })),
  fc.jsonValue().map((value) => json('json', value)),
  fc.nat(2).map((id) => json('tool_call', { id: `c${id}`, name: 'tool', arguments: { id } })),
  fc.nat(2).map((id) => json('tool_result', { id: `c${id}`, result: id, error: null })),
  fc.constant(json('usage', { input_tokens: 1, output_tokens: 2 })),
  fc.constantFrom('started', 'finished').map((state) => json('status', { state, model: 'm', finish_reason: 'stop' })),
  anyText.map((url) => json('source', { url, title: null })),
  anyText.map((text) => json('replace', { text })),
)

const END = { outcome: 'completed', offset: 0, error: null } as const

/** The answer, with the chunks in batches of these sizes. */
function answer(name: FormatName, chunks: readonly Chunk[], sizes: readonly number[]): string {
  const encoder = formats[name].encoder({ metadata: true }, STREAM)
  let out = encoder.begin(null)
  let from = 0
  for (const size of [...sizes, chunks.length]) {
    const to = Math.min(from + size, chunks.length)
    if (to > from) out += encoder.chunks(chunks, from, to, from + 1)
    from = to
  }
  return out + encoder.end({ ...END, offset: chunks.length })
}

const NAMES: readonly FormatName[] = ['ai-sdk', 'openai', 'openai-completion']

describe.each(NAMES)('%s', (name) => {
  test('is the same however the chunks come in batches', () => {
    fc.assert(
      fc.property(fc.array(anyChunk, { maxLength: 12 }), fc.array(fc.integer({ min: 1, max: 4 })), (chunks, sizes) => {
        expect(answer(name, chunks, sizes)).toBe(answer(name, chunks, []))
      }),
    )
  })

  test('no content adds a field or an event', () => {
    fc.assert(
      fc.property(fc.array(anyChunk, { maxLength: 8 }), (chunks) => {
        const out = answer(name, chunks, [])
        if (name === 'openai-completion') {
          expect(() => JSON.parse(out) as unknown).not.toThrow()
          return
        }
        const events = out.split('\n\n').slice(0, -1)
        for (const event of events) {
          expect(event).toMatch(/^data: [^\r\n\0]*$/)
          if (event !== 'data: [DONE]') expect(() => JSON.parse(event.slice(6)) as unknown).not.toThrow()
        }
        expect(events.at(-1)).toBe('data: [DONE]')
      }),
    )
  })
})

describe('ai-sdk', () => {
  test('every part that is opened is closed, none is open beside another, and all deltas stand in an open one', () => {
    fc.assert(
      fc.property(fc.array(anyChunk, { maxLength: 12 }), (chunks) => {
        let open = ''
        for (const event of answer('ai-sdk', chunks, []).split('\n\n').slice(0, -2)) {
          const { type, id } = JSON.parse(event.slice(6)) as { type: string; id?: string }
          if (/^(?:text|reasoning)-start$/.test(type)) {
            expect(open).toBe('')
            open = `${type.slice(0, -6)} ${id}`
          } else if (/^(?:text|reasoning)-end$/.test(type)) {
            expect(`${type.slice(0, -4)} ${id}`).toBe(open)
            open = ''
          } else if (/^(?:text|reasoning)-delta$/.test(type)) expect(`${type.slice(0, -6)} ${id}`).toBe(open)
          else if (type !== 'data-metadata') expect(open).toBe('')
        }
        expect(open).toBe('')
      }),
    )
  })

  test('a cancelled run is an abort, an abandoned one an error, neither a finish', () => {
    const end = (outcome: 'cancelled' | 'abandoned'): string =>
      formats['ai-sdk'].encoder({ metadata: false }, STREAM).end({
        outcome,
        offset: 1,
        error: { code: outcome, message: 'It ended.', recoverable: false, retry_after: null },
      })
    expect(end('cancelled')).toContain('"type":"abort"')
    expect(end('abandoned')).toContain('"type":"error"')
    expect(end('cancelled') + end('abandoned')).not.toContain('finish')
  })
})

describe('openai', () => {
  test('what did not complete has no [DONE]', () => {
    const encoder = formats.openai.encoder({ metadata: false }, STREAM)
    for (const outcome of ['failed', 'cancelled', 'abandoned'] as const) {
      expect(
        encoder.end({
          outcome,
          offset: 1,
          error: { code: outcome, message: 'It ended.', recoverable: false, retry_after: null },
        }),
      ).not.toContain('[DONE]')
    }
  })
})

test('readers share what an encoder writes only if they asked for the same', () => {
  const shared = (options: Parameters<(typeof formats)['ai-sdk']['encoder']>[0]): string | undefined =>
    formats['ai-sdk'].encoder(options, STREAM).shared
  expect(shared({ metadata: false })).toBe(shared({ metadata: false }))
  expect(shared({ metadata: false, kinds: CONTENT_KINDS })).not.toBe(shared({ metadata: false }))
  expect(shared({ metadata: true })).not.toBe(shared({ metadata: false }))
})
