import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packMetadata } from './packed-metadata.ts'

/** A number as it may stand in a text, also as JSON does not write it. */
const anyNumber = fc.oneof(
  fc.nat(300).map(String),
  fc.maxSafeInteger().map(String),
  fc.double().map(String),
  fc.constantFrom('007', '0', '-0', '00', '1e21', '9007199254740993', '12345678901234567890', '1.05', ''),
)

/** What steps write: the same but for its numbers. */
const counting = fc
  .array(fc.tuple(fc.constantFrom('{"chunk_index":', '-', ',"é":', '', ' 7 '), anyNumber), {
    minLength: 1,
    maxLength: 5,
  })
  .chain((first) => fc.array(fc.tuple(...first.map(([part]) => fc.tuple(fc.constant(part), anyNumber)))))
  .map((rows) => rows.map((row) => `${row.flat().join('')}}`))

const anyMetadata = fc.oneof(
  counting,
  fc.array(fc.object({ maxKeys: 3 }).map((value) => JSON.stringify(value))),
  fc
    .nat(200)
    .map((count) => Array.from({ length: count }, (_, index) => `{"chunk_index":${index},"at":${index * 20}}`)),
)

/** Some chunks have none. */
const withNone = fc
  .tuple(anyMetadata, fc.array(fc.boolean(), { maxLength: 200 }))
  .map(([all, none]) => all.map((one, index) => (none[index] ? null : one)))

test('packed metadata is what it was', () => {
  fc.assert(
    fc.property(withNone, fc.boolean(), (metadata, isWell) => {
      expect(packMetadata(metadata, isWell)?.unpacked()).toEqual(metadata)
    }),
    { numRuns: 2_000 },
  )
})

test('what only counts takes a few bytes a chunk, whatever came before', () => {
  for (const name of ['chunk_index', 'n', 'chunk_index']) {
    const metadata = Array.from(
      { length: 256 },
      (_, i) => `{"${name}":${i},"elapsed_ms":${i * 21},"characters":${i * 6}}`,
    )
    const packed = packMetadata(metadata, true)
    expect(packed?.unpacked()).toEqual(metadata)
    expect(packed?.bytes).toBeLessThan(256 * 5)
  }
})

test('metadata that is too long is not packed', () => {
  for (const isWell of [true, false]) expect(packMetadata([null, `{"a":"${'x'.repeat(65_536)}"}`], isWell)).toBe(null)
})
