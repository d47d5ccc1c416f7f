import { createHash, createHmac, randomUUID } from 'node:crypto'
import { cutText } from '../../text/cut-text.ts'
import { BuiltinFailure } from '../failure.ts'
import { limits } from '../limits.ts'
import { replacedAll } from '../text-search.ts'
import { checkUnicodeText } from '../unicode-bounds.ts'
import { charge } from '../work.ts'
import { boundedText, checkListItems, textOf } from '../value.ts'
import { any, type Builtin, defineFunction, number, optional, text } from './builtin.ts'

/** In this order: the escapes themselves hold `&`. */
const HTML_ESCAPES: readonly (readonly [string, string])[] = [
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]

/** Work to find a border between characters, for each UTF-16 unit before it. */
const READ_STEPS = 8

/** Functions that make texts, or read them. */
export const textFunctions: readonly Builtin[] = [
  defineFunction('text', {
    name: 'String',
    summary: 'The value as text: as in JavaScript, lists and objects as JSON.',
    parameters: [any('value')],
    example: ['String(12.5)', '12.5'],
    run: (value) => (value === null ? 'null' : textOf(value)),
  }),
  defineFunction('text', {
    name: 'capitalize',
    summary: 'The text with its first letter in upper case.',
    parameters: [text('text')],
    example: ["capitalize('hello world')", 'Hello world'],
    run: (value) => {
      const [first = ''] = value.slice(0, 2)
      return first.toUpperCase() + value.slice(first.length)
    },
  }),
  defineFunction('text', {
    name: 'truncate',
    summary:
      'The text, cut to at most a number of characters, the ending (… unless given) included, and never inside of an emoji or a letter with accents.',
    parameters: [text('text'), number('length'), optional(text('ending'))],
    example: ["truncate('a long sentence', 7)", 'a long…'],
    run: (value, length, ending = '…') => {
      if (value.length <= length) return value
      const room = Math.max(0, Math.trunc(length) || 0)
      // About 0.2 µs for each unit.
      const onRead = (units: number): void => charge(units * READ_STEPS)
      // An ending that is itself too long is cut, too: no result is longer than was asked for.
      return cutText(value, Math.max(0, room - ending.length), onRead) + cutText(ending, room, onRead)
    },
  }),
  defineFunction('text', {
    name: 'slug',
    cost: 10,
    summary: 'The text for use in an address: lower case, without accents, words joined by hyphens.',
    parameters: [text('text')],
    example: ["slug('Crème Brûlée, 2 ways!')", 'creme-brulee-2-ways'],
    run: (value) => {
      checkUnicodeText(value, limits.comparedLengthMax)
      charge(value.length * 2)
      const plain = value.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
      return words(plain, /[\p{L}\p{N}]+/gu).join('-')
    },
  }),
  defineFunction('text', {
    name: 'words',
    summary: 'The words of the text: what stands between white space.',
    parameters: [text('text')],
    example: ["words('to be, or not')", ['to', 'be,', 'or', 'not']],
    run: (value) => words(value, /\S+/g),
  }),
  defineFunction('text', {
    name: 'wordCount',
    summary: 'How many words the text has.',
    parameters: [text('text')],
    example: ["wordCount('to be or not')", 4],
    run: (value) => words(value, /\S+/g).length,
  }),
  defineFunction('text', {
    name: 'lines',
    summary: 'The lines of the text, whatever its line ends.',
    parameters: [text('text')],
    example: ["lines('a\\r\\nb\\nc')", ['a', 'b', 'c']],
    run: (value) => {
      charge(value.length / 16)
      const found = value.split(/\r\n|\r|\n/, limits.listItemsMax + 1)
      checkListItems(found.length)
      return found
    },
  }),
  defineFunction('text', {
    name: 'escapeHtml',
    cost: 10,
    summary: 'The text with & < > " and \' written as HTML entities.',
    parameters: [text('text')],
    example: ["escapeHtml('<b>')", '&lt;b&gt;'],
    run: (value) => {
      charge(value.length / 8)
      return HTML_ESCAPES.reduce((text, [from, to]) => boundedText(replacedAll(text, from, to)), value)
    },
  }),
  defineFunction('text', {
    name: 'base64Encode',
    cost: 5,
    summary: 'The UTF-8 bytes of the text as base64.',
    parameters: [text('text')],
    example: ["base64Encode('hello')", 'aGVsbG8='],
    run: (value) => boundedText(Buffer.from(value, 'utf8').toString('base64')),
  }),
  defineFunction('text', {
    name: 'base64Decode',
    cost: 5,
    summary: 'The UTF-8 text that base64 (or base64url) stands for.',
    parameters: [text('base64')],
    example: ["base64Decode('aGVsbG8=')", 'hello'],
    run: (value) => {
      if (!/^[\w+/-]*={0,2}\s*$/.test(value)) throw new BuiltinFailure('the text is not base64.')
      return Buffer.from(value, 'base64').toString('utf8')
    },
  }),
  ...['urlEncode', 'encodeURIComponent'].map((name) =>
    defineFunction('text', {
      name,
      summary: 'The text for use in a part of an address, as encodeURIComponent writes it.',
      parameters: [text('text')],
      example: [`${name}('a b&c')`, 'a%20b%26c'],
      run: (value) => {
        charge(value.length / 8)
        return boundedText(encodeURIComponent(value.toWellFormed()))
      },
    }),
  ),
  ...['urlDecode', 'decodeURIComponent'].map((name) =>
    defineFunction('text', {
      name,
      summary: 'The text that an encoded part of an address stands for.',
      parameters: [text('encoded')],
      example: [`${name}('a%20b%26c')`, 'a b&c'],
      run: (value) => {
        charge(value.length / 8)
        try {
          return decodeURIComponent(value)
        } catch {
          throw new BuiltinFailure('the text is not a valid encoded part of an address.')
        }
      },
    }),
  ),
  defineFunction('text', {
    name: 'sha256',
    cost: 15,
    summary: 'The SHA-256 of the UTF-8 text, in hexadecimal.',
    parameters: [text('text')],
    example: ["sha256('abc')", 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    run: (value) => createHash('sha256').update(value, 'utf8').digest('hex'),
  }),
  defineFunction('text', {
    name: 'hmacSha256',
    cost: 40,
    summary: 'The HMAC-SHA-256 of the UTF-8 text under a key, in hexadecimal.',
    parameters: [text('text'), text('key')],
    example: [
      "hmacSha256('what do ya want for nothing?', 'Jefe')",
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    run: (value, key) => createHmac('sha256', key).update(value, 'utf8').digest('hex'),
  }),
  defineFunction('text', {
    name: 'uuid',
    cost: 4,
    summary: 'A new random UUID (version 4).',
    parameters: [],
    example: ['uuid().length', 36],
    pure: false,
    run: () => randomUUID(),
  }),
]

function words(value: string, pattern: RegExp): string[] {
  charge(value.length / 16)
  const found: string[] = []
  for (const match of value.matchAll(pattern)) {
    found.push(match[0])
    checkListItems(found.length)
  }
  return found
}
