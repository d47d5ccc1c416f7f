import { StreamstackError, type Value } from '@streamstack/protocol'
import { describe, expect, test } from 'vitest'
import { evaluate } from './testing/evaluate.ts'

function doubled(times: number): Value {
  let nested: Value = [1]
  for (let time = 0; time < times; time += 1) nested = [nested, nested]
  return nested
}

/** What one request can bring: each text and list below 1 MiB, but values built by doubling are endless. */
const variables = {
  doubled: doubled(40),
  alike: doubled(40),
  many: Array.from({ length: 400 }, () => doubled(12)),
  marks: `e${'\u0301\u0316'.repeat(60)}`,
  halfwidth: `e${'\u0301\uFF9E'.repeat(60)}`,
  fewMarks: `e${'\u0301'.repeat(100)}`,
  long: 'x'.repeat(1_000_000),
  veryLong: 'x'.repeat(1_100_000),
  expanding: '\uFDFA'.repeat(300_000),
  language: `en-x${'-aaaaaaaa'.repeat(100_000)}`,
  numbers: Array.from({ length: 60_000 }, (_, index) => -index),
  texts: Array.from({ length: 400 }, () => 'y'.repeat(50_000)),
}

const refused: readonly (readonly [expression: string, message: string])[] = [
  ['marks.normalize()', 'combining marks'],
  ["halfwidth.normalize('NFKD')", 'combining marks'],
  ['slug(marks)', 'combining marks'],
  ["marks.localeCompare('e')", 'combining marks'],
  ["'e'.localeCompare(marks)", 'combining marks'],
  ['slug(long)', 'more than 10,000 characters'],
  ["long.localeCompare('x')", 'more than 10,000 characters'],
  ["'x'.localeCompare(long)", 'more than 10,000 characters'],
  ["expanding.normalize('NFKC')", 'more than 50,000 characters'],
  ["expanding.normalize('NFKD')", 'more than 50,000 characters'],
  ['veryLong.normalize()', 'more than 1,048,576 characters'],
  ["'a'.localeCompare('b', language)", 'at most 100 characters'],
  ['formatNumber(1, 2, language)', 'at most 100 characters'],
  ['formatDate(0, long)', 'at most 1000 characters'],
  ["formatDate(0, 'YYYY', language)", 'at most 100 characters'],
  ["long.replaceAll('', 'y')", 'more than 200,000 places'],
  ['isEqual(doubled, alike)', 'more than 1,000,000 values'],
  ['JSON.stringify(doubled)', 'more than 1,000,000 values'],
  ["doubled + ''", 'more than 1,000,000 values'],
  ['[1].reduce(() => doubled, 0)', 'more than 1,000,000 values'],
  ['unique([doubled])', 'more than 1,000,000 values'],
  ['intersection([1], [doubled])', 'more than 1,000,000 values'],
  ['difference([doubled], [1])', 'more than 1,000,000 values'],
  ['[doubled, 1].sort()', 'more than 1,000,000 values'],
  // No item is over the bound, together they are.
  ['unique(many)', 'more than 1,000,000'],
  ['many.sort()', 'more than 1,000,000 values'],
  ["many.join('')", 'more than 1,000,000 values'],
  ['countBy(many, item => item)', 'more than 1,000,000 values'],
  ['groupBy(many, item => item)', 'more than 1,000,000 values'],
  ['keyBy(many, item => item)', 'more than 1,000,000 values'],
  ['unique(texts)', 'longer than 16,777,216 characters'],
  ['numbers.sort()', 'more than 50,000 items'],
  ['numbers.sort((a, b) => a - b)', 'more than 50,000 items'],
  ['sortBy(numbers, n => n)', 'more than 50,000 items'],
]

describe('one call is bounded', () => {
  test.each(refused)('%s is refused', (expression, message) => {
    let error: unknown = null
    try {
      evaluate(`{{${expression}}}`, variables)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(StreamstackError)
    expect(error).toMatchObject({ code: 'expression_failed' })
    expect(String(error)).toContain(message)
    expect(String(error).length).toBeLessThan(400)
  })

  test.each<[expression: string, result: Value]>([
    ["fewMarks.normalize('NFD').length", 101],
    ['slug(fewMarks)', 'e'],
    ["fewMarks.localeCompare('e') > 0", true],
    ['long.normalize().length', 1_000_000],
    ["long.replaceAll('x', '$').length", 1_000_000],
    ["'ab'.replaceAll('', '-')", '-a-b-'],
    ["'b'.localeCompare('a', 'de-DE')", 1],
    ['isEqual(doubled, doubled)', true],
    ['isEqual(doubled, [doubled])', false],
    ['numbers.slice(0, 50000).sort((a, b) => a - b)[0]', -49_999],
    ['unique(texts.slice(0, 300)).length', 1],
    ['escapeHtml("<a b=\'1\' c=\\"2\\">&amp;")', '&lt;a b=&#39;1&#39; c=&quot;2&quot;&gt;&amp;amp;'],
    ["omit({a: 1, b: 2, '3': 3}, ['a'], 3)", { b: 2 }],
  ])('%s passes', (expression, result) => {
    expect(evaluate(`{{${expression}}}`, variables)).toStrictEqual(result)
  })

  test('__proto__ in JSON is dropped, however it is written', () => {
    for (const json of ['{"__proto__":{"a":1},"b":2}', '{"\\u005f_proto\\u005F_":{"a":1},"b":2}']) {
      const value = evaluate('{{JSON.parse(json)}}', { json })
      expect(value).toStrictEqual({ b: 2 })
      expect(Object.keys(value ?? {})).toStrictEqual(['b'])
    }
  })
})
