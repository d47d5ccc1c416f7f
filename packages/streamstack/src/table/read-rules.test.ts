import { expect, test } from 'vitest'
import type { Value } from '@streamstack/protocol'
import { parseTree } from '../definition/index.ts'
import { readTable } from './read-declaration.ts'

const read = (allow: Value | string): readonly string[] => {
  const text = `columns: { owner: text, shared: boolean }\nallow: ${typeof allow === 'string' ? allow : JSON.stringify(allow)}\n`
  const { tree } = parseTree('tables/t.yaml', text)
  if (tree === null) throw new Error('the file cannot be parsed')
  const { table, issues } = readTable('t', tree)
  expect(table === null).toBe(issues.length > 0)
  return issues.map(({ message, position: { line, column } }) => `${line}:${column} ${message}`)
}

test.each<[string, RegExp]>([
  ['"ownr == {{auth.sub}}"', /^2:8 The rule names the unknown column "ownr"\. Did you mean `owner`\?$/],
  ['"owner == {{user.sub}}"', /^2:\d+ .*'user'.*auth/],
  ['"owner == {{auth.sub.nothing()}}"', /^2:\d+ .*nothing/],
  ['"shared || owner == {{auth.}}"', /^2:\d+ /],
  ['"owner ==? {{auth.sub}}"', /^2:8 A rule has no optional comparisons/],
  ['{ read: { owner: { eq: "{{auth.sub}}", ignore_null: true } } }', /^2:\d+ A rule has no optional comparisons/],
  ['{ read: { owner: "team-{{auth.team}}" } }', /^2:\d+ A rule compares with one whole expression/],
  ['"owner =="', /^2:\d+ The filter is wrong at character/],
  ['""', /^2:8 The rule says nothing/],
  ['{ reed: true }', /^2:10 `allow` has no `reed`\. Did you mean `read`\?$/],
  ['{ owner: "{{auth.sub}}" }', /^2:10 `allow` has no `owner`\. .*allow: "owner == …"/],
  ['{}', /^2:8 `allow` must be a filter such as/],
  ['null', /^2:8 `allow` must be a filter such as/],
  ['7', /^2:8 `allow` must be a filter such as/],
])('allow: %s is a fault with a place and a cure', (allow, message) => {
  const [fault = '', ...more] = read(allow)
  expect(fault).toMatch(message)
  expect(more).toEqual([])
})

test.each([
  '"owner == {{auth.sub}}"',
  'true',
  'false',
  '{ read: true }',
  '{ read: { owner: "{{auth.sub}}" }, write: { or: [{ owner: "{{auth.sub}}" }, { shared: true }] }, delete: false }',
  '"{{auth.roles.includes(\'admin\')}}"',
])('allow: %s is a rule', (allow) => {
  expect(read(allow)).toEqual([])
})
