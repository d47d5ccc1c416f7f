import { type Chunk, isTextKind } from '@streamstack/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyChunk } from '../stream/testing/log-contract.ts'
import { decodeStored, encodeStored, encodeStoredEnd } from './stored-chunk.ts'

/** JSON as others write it: with white space between its tokens, and line ends. */
const spaced = fc
  .tuple(fc.jsonValue(), fc.constantFrom('\t', '  ', '\n'))
  .map(([value, space]) => JSON.stringify(value, null, space))

test('a page of chunks is the chunks that were written, and the end is none of them', () => {
  fc.assert(
    fc.property(fc.array(anyChunk, { maxLength: 30 }), fc.boolean(), (chunks, hasEnd) => {
      const parts = chunks.map(encodeStored)
      const message = 'with "metadata":{} and ,"content": and {"type":"text"\n in it'
      const error = { code: 'thrown', message, recoverable: false, retry_after: null }
      if (hasEnd) parts.push(encodeStoredEnd({ outcome: 'failed', error }))
      expect(decodeStored(parts)).toEqual(chunks)
    }),
    { numRuns: 500 },
  )
})

test('each is one JSON message that clients of the open protocol can read', () => {
  fc.assert(
    fc.property(anyChunk, (chunk) => {
      const bytes = encodeStored(chunk).toString()
      expect(bytes.indexOf('\n', 1)).toBe(-1)
      expect(bytes.endsWith(',')).toBe(true)
      expect(JSON.parse(bytes.slice(0, -1))).toEqual({
        type: chunk.kind,
        metadata: chunk.metadata === null ? null : JSON.parse(chunk.metadata),
        content: isTextKind(chunk.kind) ? chunk.data : JSON.parse(chunk.data),
      })
    }),
    { numRuns: 300 },
  )
})

test('white space between tokens stays, but for line ends', () => {
  fc.assert(
    fc.property(spaced, (data) => {
      const chunk: Chunk = { kind: 'json', data, metadata: null }
      const found = { ...chunk, data: data.replaceAll('\n', ' ') }
      expect(decodeStored([encodeStored(chunk), encodeStored(chunk)])).toEqual([found, found])
    }),
    { numRuns: 200 },
  )
})

test('JSON with halves of pairs in it is kept as the wire will have it', () => {
  const [found] = decodeStored([encodeStored({ kind: 'json', data: '"\ud83d"', metadata: null })])
  expect(found?.data).toBe('"\ufffd"')
})
