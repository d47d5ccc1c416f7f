import { BuiltinFailure } from '../failure.ts'
import { limits } from '../limits.ts'
import { lastPlaceOf, piecesOf, replacedAll, searchIn } from '../text-search.ts'
import { checkLocaleName, checkUnicodeText } from '../unicode-bounds.ts'
import { charge, workLeft } from '../work.ts'
import { boundedText, checkListItems, checkTextLength, textOf } from '../value.ts'
import { any, type Builtin, defineMethod, number, optional, rest, text } from './builtin.ts'

/** Methods of texts: JavaScript's own, without regular expressions. Positions count UTF-16 units. */
export const textMethods: readonly Builtin[] = [
  defineMethod('text', {
    name: 'at',
    summary: 'The character at a position; negative positions count from the end. Null when there is none.',
    parameters: [number('position')],
    example: ["'abc'.at(-1)", 'c'],
    run: (receiver, position) => receiver.at(position) ?? null,
  }),
  defineMethod('text', {
    name: 'charAt',
    summary: 'The character at a position, or an empty text.',
    parameters: [number('position')],
    example: ["'abc'.charAt(1)", 'b'],
    run: (receiver, position) => receiver.charAt(position),
  }),
  defineMethod('text', {
    name: 'charCodeAt',
    summary: 'The UTF-16 unit at a position.',
    parameters: [number('position')],
    example: ["'A'.charCodeAt(0)", 65],
    run: (receiver, position) => receiver.charCodeAt(position),
  }),
  defineMethod('text', {
    name: 'codePointAt',
    summary: 'The Unicode code point at a position; null when there is none.',
    parameters: [number('position')],
    example: ["'😀'.codePointAt(0)", 128512],
    run: (receiver, position) => receiver.codePointAt(position) ?? null,
  }),
  defineMethod('text', {
    name: 'concat',
    summary: 'The texts, joined.',
    parameters: [rest(any('texts'))],
    example: ["'a'.concat('b', 1)", 'ab1'],
    run: (receiver, texts) => texts.reduce<string>((joined, next) => boundedText(joined + textOf(next)), receiver),
  }),
  defineMethod('text', {
    name: 'endsWith',
    summary: 'Whether the text ends with another.',
    parameters: [text('search')],
    example: ["'data.csv'.endsWith('.csv')", true],
    run: (receiver, search) => receiver.endsWith(search),
  }),
  defineMethod('text', {
    name: 'includes',
    summary: 'Whether the text holds another.',
    parameters: [text('search'), optional(number('from'))],
    example: ["'streaming'.includes('ream')", true],
    run: (receiver, search, from = 0) => searchIn(receiver, search)(from) !== -1,
  }),
  defineMethod('text', {
    name: 'indexOf',
    summary: 'Where another text first stands, or -1.',
    parameters: [text('search'), optional(number('from'))],
    example: ["'a-b-c'.indexOf('-')", 1],
    run: (receiver, search, from = 0) => searchIn(receiver, search)(from),
  }),
  defineMethod('text', {
    name: 'lastIndexOf',
    summary: 'Where another text last stands, or -1.',
    parameters: [text('search'), optional(number('from'))],
    example: ["'a-b-c'.lastIndexOf('-')", 3],
    run: (receiver, search, from) => lastPlaceOf(receiver, search, from),
  }),
  defineMethod('text', {
    name: 'localeCompare',
    cost: 20,
    summary: 'Negative, zero or positive as the text sorts before, with or after another, by the rules of a language.',
    parameters: [text('other'), optional(text('language'))],
    example: ["'a'.localeCompare('b')", -1],
    run: (receiver, other, language) => {
      checkUnicodeText(receiver, limits.comparedLengthMax)
      checkUnicodeText(other, limits.comparedLengthMax)
      checkLocaleName(language)
      // The rules of a language take some hundred nanoseconds for each character.
      charge((receiver.length + other.length) * 4)
      return language === undefined
        ? receiver.localeCompare(other, 'en')
        : collatorOf(language).compare(receiver, other)
    },
  }),
  defineMethod('text', {
    name: 'normalize',
    summary: 'The text in a Unicode normal form: NFC, NFD, NFKC or NFKD.',
    parameters: [optional(text('form'))],
    example: ["'e\\u0301'.normalize('NFC')", 'é'],
    run: (receiver, form = 'NFC') => {
      checkUnicodeText(receiver, form.startsWith('NFK') ? limits.compatibilityLengthMax : limits.normalizedLengthMax)
      charge(receiver.length / (form.startsWith('NFK') ? 1 : 4))
      return receiver.normalize(form)
    },
  }),
  defineMethod('text', {
    name: 'padEnd',
    summary: 'The text, filled at its end to a length.',
    parameters: [number('length'), optional(text('fill'))],
    example: ["'ab'.padEnd(4, '.')", 'ab..'],
    run: (receiver, length, fill) => {
      checkTextLength(length)
      return receiver.padEnd(length, fill)
    },
  }),
  defineMethod('text', {
    name: 'padStart',
    summary: 'The text, filled at its start to a length.',
    parameters: [number('length'), optional(text('fill'))],
    example: ["'7'.padStart(3, '0')", '007'],
    run: (receiver, length, fill) => {
      checkTextLength(length)
      return receiver.padStart(length, fill)
    },
  }),
  defineMethod('text', {
    name: 'repeat',
    summary: 'The text, several times over.',
    parameters: [number('count')],
    example: ["'ab'.repeat(3)", 'ababab'],
    run: (receiver, count) => {
      if (count < 0) throw new BuiltinFailure('the count must not be negative.')
      checkTextLength(receiver.length * count)
      return receiver === '' ? '' : receiver.repeat(count)
    },
  }),
  defineMethod('text', {
    name: 'replace',
    summary: 'The text with the first place of another text replaced. The replacement is taken as it is, `$` included.',
    parameters: [text('search'), text('replacement')],
    example: ["'a-b-c'.replace('-', '+')", 'a+b-c'],
    run: (receiver, search, replacement) => {
      const place = searchIn(receiver, search)(0)
      return place === -1 ? receiver : receiver.slice(0, place) + replacement + receiver.slice(place + search.length)
    },
  }),
  defineMethod('text', {
    name: 'replaceAll',
    summary: 'The text with every place of another text replaced. The replacement is taken as it is, `$` included.',
    parameters: [text('search'), text('replacement')],
    example: ["'a-b-c'.replaceAll('-', '+')", 'a+b+c'],
    run: (receiver, search, replacement) => {
      if (search === '' && receiver.length > limits.gapsMax) {
        throw new BuiltinFailure(
          `an empty text stands at more than ${limits.gapsMax.toLocaleString('en')} places; replace in parts of the text.`,
        )
      }
      const growth = replacement.length - search.length
      const placesMax = receiver.length / Math.max(1, search.length) + 1
      // Counting takes as long as replacing, so only where the text could grow over the bound.
      if (receiver.length + placesMax * growth > limits.textLengthMax) {
        const places = search === '' ? receiver.length + 1 : countOf(receiver, search)
        checkTextLength(receiver.length + places * growth)
      }
      return search === '' ? receiver.replaceAll(search, () => replacement) : replacedAll(receiver, search, replacement)
    },
  }),
  defineMethod('text', {
    name: 'slice',
    summary: 'The part from a position up to, not including, another; negative positions count from the end.',
    parameters: [optional(number('start')), optional(number('end'))],
    example: ["'streaming'.slice(0, 6)", 'stream'],
    run: (receiver, start, end) => receiver.slice(start, end),
  }),
  defineMethod('text', {
    name: 'split',
    summary: 'The pieces between a separator; with an empty separator each UTF-16 unit.',
    parameters: [optional(text('separator')), optional(number('limit'))],
    example: ["'a,b,c'.split(',')", ['a', 'b', 'c']],
    run: (receiver, separator, limit) => {
      if (separator === undefined) return [receiver]
      charge(receiver.length / 16)
      const pieces = piecesOf(receiver, separator, Math.min(limits.listItemsMax, 2 * workLeft()) + 1)
      charge(pieces.length / 2)
      checkListItems(pieces.length)
      return limit === undefined ? pieces : pieces.slice(0, Math.max(0, limit))
    },
  }),
  defineMethod('text', {
    name: 'startsWith',
    summary: 'Whether the text starts with another.',
    parameters: [text('search'), optional(number('from'))],
    example: ["'Bearer x'.startsWith('Bearer ')", true],
    run: (receiver, search, from) => receiver.startsWith(search, from),
  }),
  defineMethod('text', {
    name: 'substring',
    summary: 'The part between two positions, in either order.',
    parameters: [number('start'), optional(number('end'))],
    example: ["'streaming'.substring(2, 5)", 'rea'],
    run: (receiver, start, end) => receiver.substring(start, end),
  }),
  defineMethod('text', {
    name: 'toLowerCase',
    summary: 'The text in lower case.',
    parameters: [],
    example: ["'ABC'.toLowerCase()", 'abc'],
    run: (receiver) => receiver.toLowerCase(),
  }),
  defineMethod('text', {
    name: 'toUpperCase',
    summary: 'The text in upper case.',
    parameters: [],
    example: ["'abc'.toUpperCase()", 'ABC'],
    run: (receiver) => receiver.toUpperCase(),
  }),
  defineMethod('text', {
    name: 'toString',
    summary: 'The text itself.',
    parameters: [],
    example: ["'abc'.toString()", 'abc'],
    run: (receiver) => receiver,
  }),
  defineMethod('text', {
    name: 'trim',
    summary: 'The text without white space at its ends.',
    parameters: [],
    example: ["'  a b '.trim()", 'a b'],
    run: (receiver) => receiver.trim(),
  }),
  defineMethod('text', {
    name: 'trimEnd',
    summary: 'The text without white space at its end.',
    parameters: [],
    example: ["' a '.trimEnd()", ' a'],
    run: (receiver) => receiver.trimEnd(),
  }),
  defineMethod('text', {
    name: 'trimStart',
    summary: 'The text without white space at its start.',
    parameters: [],
    example: ["' a '.trimStart()", 'a '],
    run: (receiver) => receiver.trimStart(),
  }),
]

function countOf(text: string, search: string): number {
  const next = searchIn(text, search)
  let count = 0
  for (let at = next(0); at !== -1; at = next(at + search.length)) {
    charge(0.5)
    count += 1
  }
  return count
}

/** Making a collator takes ten times as long as most comparisons. */
const collators = new Map<string, Intl.Collator>()
const COLLATORS_MAX = 64

function collatorOf(language: string): Intl.Collator {
  const known = collators.get(language)
  if (known !== undefined) return known
  charge(600)
  const made = new Intl.Collator(language)
  if (collators.size >= COLLATORS_MAX) collators.clear()
  collators.set(language, made)
  return made
}
