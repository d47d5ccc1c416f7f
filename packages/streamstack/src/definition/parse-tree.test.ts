import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseExactJson } from '../text/parse-exact-json.ts'
import { entryOf, parseTree } from './index.ts'

function messagesOf(file: string, text: string): string[] {
  const { tree, issues } = parseTree(file, text)
  if (issues.some((issue) => issue.severity === 'error')) expect(tree).toBeNull()
  return issues.map(({ position, message }) => `${position.line}:${position.column} ${message}`)
}

describe('JSON', () => {
  test('comments and trailing commas are allowed, as the guides write them', () => {
    const { tree, issues } = parseTree('a.json', '// first\n{ "a": [1, 2,], /* two */ "b": null, }\n// last')
    expect(issues).toEqual([])
    expect(tree?.value).toEqual({ a: [1, 2], b: null })
  })

  test('objects that are pasted one after the other count as one', () => {
    expect(parseTree('a.json', '{ "a": 1 }\n// next\n{ "b": 2 }').tree?.value).toEqual({ a: 1, b: 2 })
    expect(messagesOf('a.json', '{ "a": 1 }\n{ "a": 2 }')).toEqual([
      '2:3 The key "a" stands here a second time (first on line 1); remove one.',
    ])
  })

  test('every node knows its line and column', () => {
    const { tree } = parseTree('x/a.json', '{\n  "a": [\r\n    true,\n    { "b": "c" }\n  ]\n}')
    const list = tree && entryOf(tree, 'a')
    expect(list?.keyPosition).toEqual({ file: 'x/a.json', line: 2, column: 3 })
    expect(list?.node.position).toEqual({ file: 'x/a.json', line: 2, column: 8 })
    expect(list?.node.items?.[0]?.position).toMatchObject({ line: 3, column: 5 })
    expect(list?.node.items?.[1]?.entries?.[0]?.node.position).toMatchObject({ line: 4, column: 12 })
  })

  test.each(
    [
      ['{"a":1 "b":2}', '1:8 A comma is missing before "b".'],
      ['{"a":1\n"b":2}', '2:1 A comma is missing before "b".'],
      ['[1 2]', '1:4 A comma is missing before `2`.'],
      ['{"a" 1}', '1:6 A colon is missing after the key "a", before `1`.'],
      ['{"a":[1,2}', '1:10 `}` does not close the `[` of line 1, column 6; add `]` before it.'],
      ['{"a":{"b":1', '1:12 The file ends before the `{` of line 1, column 6 is closed; add `}`.'],
      ['{a:1}', '1:2 `a` is no key; a key stands between double quotes: "key": value.'],
      ['{"a":{{x}}}', '1:7 A key is missing before `{`; a value with {{ }} stands between double quotes: "{{name}}".'],
      ['{"a":1,,"b":2}', '1:8 A comma stands here without an entry before it; remove it.'],
      ['{"a":undefined}', '1:6 `undefined` is no JSON value; put text between double quotes.'],
      ['{"a":\'x\'}', '1:6 Text stands between double quotes in JSON: "…".'],
      ['{"a":}', '1:6 A value is missing before `}`.'],
      ['{"a":1}}', '1:8 The definition ends before `}`; remove what follows.'],
      ['{"a":1e999}', '1:6 The number 1e999 is too large; write it as text.'],
      ['{"constructor":1}', '1:2 The key "constructor" is not allowed; choose another.'],
      ['{"\\u005f_proto__":1}', '1:2 The key "__proto__" is not allowed; choose another.'],
      ['{"a":{"prototype":1}}', '1:7 The key "prototype" is not allowed; choose another.'],
      ['', '1:1 The file is empty; write a definition or remove the file.'],
      ['// nothing', '1:11 The file holds only comments; write a definition or remove the file.'],
      ['['.repeat(1_000_000), '1:101 Lists and objects are nested more than 100 deep.'],
    ].map(([text, message]) => [message ?? '', text ?? '']),
  )('%s', (message, text) => {
    expect(messagesOf('a.json', text)).toEqual([message])
  })

  test('a number of more digits than one holds is kept as text, with a warning', () => {
    const { tree, issues } = parseTree('a.json', '{"a":12345678901234567890, "b": 9007199254740991}')
    expect(tree).not.toBeNull()
    expect(issues).toMatchObject([{ severity: 'warning', position: { column: 6 } }])
    expect(tree?.value).toEqual({ a: '12345678901234567890', b: 9007199254740991 })
    expect(parseTree('a.yaml', 'a: 9007199254740993\nb: 1e30').tree?.value).toEqual({ a: '9007199254740993', b: 1e30 })
  })

  test.each(['9007199254740993.0', '9.007199254740993e15', '0x20000000000001', '0o400000000000000001'])(
    'so is %s, which writes such a number in another way',
    (source) => {
      const { tree, issues } = parseTree('a.yaml', `a: ${source}\nb: [6.02e23, 1e22, 0x20000000000000]`)
      expect(tree?.value).toEqual({ a: '9007199254740993', b: [6.02e23, 1e22, 2 ** 53] })
      expect(issues).toMatchObject([{ severity: 'warning', position: { line: 1, column: 4 } }])
    },
  )

  test('whatever JSON.stringify writes is read as the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
        const forbidden = /"(?:__proto__|constructor|prototype)":/.test(JSON.stringify(value))
        fc.pre(!forbidden && typeof value !== 'string')
        const text = JSON.stringify(value, null, indent)
        expect(parseTree('a.json', text).tree?.value).toEqual(parseExactJson(text))
      }),
      { numRuns: 300 },
    )
  })
})

describe('YAML', () => {
  test('the core schema of YAML 1.2: dates and yes stay text', () => {
    const { tree, issues } = parseTree('a.yaml', 'a: 2020-01-01\nb: yes\nc: 0o17\nd:\n200: [1, 2.5, ~]\n')
    expect(issues).toEqual([])
    expect(tree?.value).toEqual({ a: '2020-01-01', b: 'yes', c: 15, d: null, 200: [1, 2.5, null] })
    expect(tree?.entries?.[4]?.node.items?.[1]?.position).toEqual({ file: 'a.yaml', line: 5, column: 10 })
  })

  test('anchors and aliases write the same value twice', () => {
    expect(parseTree('a.yml', 'a: &x { b: 1 }\nc: *x').tree?.value).toEqual({ a: { b: 1 }, c: { b: 1 } })
  })

  const bomb = [
    'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
    ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`),
  ].join('\n')

  test.each(
    [
      ['a:\n  content: {{item}}', "2:13 Put text with {{ }} in quotes as a whole, such as '{{name}} === true'."],
      ['a: "{{x}}" === 1', "1:12 Put text with {{ }} in quotes as a whole, such as '{{name}} === true'."],
      ['a: 1\na: 2', '2:1 This key stands here a second time; remove one.'],
      [
        'a: 1\n---\nb: 2',
        '2:1 The file holds several documents; remove the line `---` and put the second into its own file.',
      ],
      ['a:\n\tb: 1', '2:1 A tab stands where YAML wants spaces; indent with spaces.'],
      ['a: !!binary aGk=', '1:4 Tags (words that begin with !) are not used here; remove the tag.'],
      ['a: .inf', '1:4 A number must be finite; write it as text.'],
      ['a: &x { b: 1 }\nc:\n  <<: *x', '3:3 Merge keys (<<) are not part of YAML 1.2; write the keys out.'],
      ['a: *x', '1:4 There is no anchor &x before this alias; put text with * in quotes.'],
      ['a: &a [*a]', '1:8 The alias *a stands inside its own anchor.'],
      ['? [a]\n: b', '1:3 A key must be plain text.'],
      ['constructor: 1', '1:1 The key "constructor" is not allowed; choose another.'],
      [bomb, '6:45 Aliases make this file stand for more than 1,000,000 values; write less with them.'],
      ['# nothing', '1:1 The file holds no definition; write one or remove the file.'],
      ['['.repeat(1_000_000), '1:210 Lists and objects are nested more than 100 deep.'],
      [`a: ${'['.repeat(101)}${']'.repeat(101)}`, '1:103 Lists and objects are nested more than 100 deep.'],
      ['- '.repeat(1_000_000), '1:419 Lists and objects are nested more than 100 deep.'],
    ].map(([text, message]) => [message ?? '', text ?? '']),
  )('%s', (message, text) => {
    expect(messagesOf('a.yaml', text)).toEqual([message])
  })
})

test('files that are too large or of another kind are refused', () => {
  expect(messagesOf('a.json', `"${'x'.repeat(5 * 1024 * 1024)}"`)).toEqual([
    '1:1 The file is larger than 5 MB; keep data in a table and only the definition here.',
  ])
  expect(messagesOf('a.toml', 'a = 1')).toEqual([
    '1:1 A definition is a .json, .jsonc, .yaml, .yml file; rename this one.',
  ])
})

test('any text at all gives a tree or an error, and never throws', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    "'",
    'a',
    '1',
    '-',
    ' ',
    '\n',
    '\t',
    '&a',
    '*a',
    '!',
    '|',
    '#',
    '{{',
    '/*',
    '//',
    '\\',
    '\u0000',
  )
  const text = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 40 }).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, fc.constantFrom('a.json', 'a.yaml'), (source, file) => {
      const { tree, issues } = parseTree(file, source)
      expect(tree === null).toBe(issues.some((issue) => issue.severity === 'error'))
      for (const { position } of issues) {
        expect(position.line).toBeGreaterThan(0)
        expect(position.column).toBeGreaterThan(0)
      }
    }),
    { numRuns: 1000 },
  )
})
