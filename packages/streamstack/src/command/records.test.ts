import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type CommandLine, commandLine } from '@streamstack/test-support/command-line'

const endpoint =
  'endpoint_settings: { method: GET, path: /a }\nfunction_stack: [{ function: Streaming API Response, content: a }]\n'

const things = `description: Odds and ends
columns:
  id: { type: integer, primary: true }
  name: { type: text }
  size: { type: number }
  tags: { type: json }
  secret: { type: text, private: true }
seed:
  - { name: 'plain', size: 1.5, tags: [a, b], secret: s1 }
  - { name: 'quote " and, comma', size: 9007199254740991, secret: s2 }
  - { name: '', size: null }
  - { name: null, tags: { deep: { er: 1 } } }
  - { name: '=HYPERLINK("http://evil.example")', size: -2 }
  - { name: "two\\nlines \\e[31mred" }
  - { name: ' spaced ' }
`

async function shop(): Promise<CommandLine> {
  const line = commandLine()
  line.write({
    'endpoints/a.yaml': endpoint,
    'tables/things.yaml': things,
    'tables/empty.yaml': 'columns: { x: text }\n',
  })
  await line.run('run', 'GET', '/a')
  return line
}

test('tables are listed with their records, also of a named folder and before the first start', async () => {
  using line = await shop()
  const { out } = await line.run('records')
  expect(out).toMatch(/^TABLE +RECORDS +COLUMNS/)
  expect(out).toMatch(/^things +7 +id, name, size.* Odds and ends$/m)
  expect(out).toMatch(/^empty +0 +id, x$/m)
  expect((await line.run('records', '.')).out).toBe(out)
  line.write({ 'other/endpoints/a.yaml': endpoint, 'other/tables/things.yaml': things })
  expect((await line.run('records', 'other')).out).toMatch(/^things +0 /m)
  expect(await line.run('records', 'things', 'other')).toMatchObject({
    code: 0,
    out: expect.stringMatching(/0 of 0 records/),
  })
})

test('records are filtered and ordered as in Get Records; private columns are shown when they are named', async () => {
  using line = await shop()
  const filtered = await line.run('records', 'things', '--where', "size < 2 || name == ''", '--order', 'id DESC')
  expect(filtered.out.split('\n').map((one) => one.trim().split(/\s+/)[0])).toEqual(['id', '5', '3', '1', '3', ''])
  expect(filtered.out).not.toContain('secret')
  const json = await line.run('records', 'things', '--where', '{"size":{"gt":1},"name":"plain"}', '--format', 'ndjson')
  expect(JSON.parse(json.out)).toEqual({ id: 1, name: 'plain', size: 1.5, tags: ['a', 'b'] })
  const named = await line.run('records', 'things', '--columns', 'secret,id', '--limit', '1', '--format', 'csv')
  expect(named.out).toBe('secret,id\ns1,1\n')
})

test('what a terminal would act on is not sent to it', async () => {
  using line = await shop()
  const { out } = await line.run('records', 'things')
  expect(out).toContain('two⏎lines')
  expect(out.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
})

test('mistakes name the cure', async () => {
  using line = await shop()
  const cases: [readonly string[], RegExp][] = [
    [['thigns'], /There is no table thigns\. Did you mean `things`\?/],
    [['things', '--where', 'sise > 1'], /"sise".*Did you mean `size`/],
    [['things', '--where', '{"size"'], /neither a filter nor JSON/],
    [['things', '--limit', 'many'], /whole number/],
    [['things', '--columns', 'nothing'], /nothing/],
  ]
  for (const [args, expected] of cases) {
    const { code, err } = await line.run('records', ...args)
    expect([code, err]).toEqual([1, expect.stringMatching(expected)])
  }
})

test('an export as CSV comes back by import as it was', async () => {
  using line = await shop()
  const exported = await line.run('records', 'things', '--format', 'csv', '--output', 'things.csv')
  expect(exported).toMatchObject({ code: 0, out: '' })
  expect(statSync(join(line.cwd, 'things.csv')).mode & 0o077).toBe(0)
  const before = await line.run('records', 'things', '--format', 'json', '--columns', 'id,name,size,tags')
  expect(JSON.parse(before.out)).toHaveLength(7)
  expect(await line.run('import', 'things', 'things.csv', '--replace')).toMatchObject({ code: 0 })
  const after = await line.run('records', 'things', '--format', 'json', '--columns', 'id,name,size,tags')
  // Import reads an empty cell as null, quoted or not.
  const asImported = (JSON.parse(before.out) as { name: string | null }[]).map((row) => ({
    ...row,
    name: row.name === '' ? null : row.name,
  }))
  const found = JSON.parse(after.out) as { name: string | null }[]
  expect(found.map((row) => ({ ...row, name: row.name === '' ? null : row.name }))).toEqual(asImported)
  const again = await line.run('records', 'things', '--format', 'csv', '--output', 'things.csv')
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining('is there already') })
})

test('cells that a spreadsheet would compute are escaped on request', async () => {
  using line = await shop()
  const plain = await line.run('records', 'things', '--format', 'csv', '--columns', 'name,size')
  expect(plain.out).toContain('"=HYPERLINK(""http://evil.example"")",-2\n')
  const escaped = await line.run('records', 'things', '--format', 'csv', '--columns', 'name,size', '--escape-formulas')
  expect(escaped.out).toContain(`"'=HYPERLINK(""http://evil.example"")",-2\n`)
})

test('an export of many records is whole, page by page', async () => {
  using line = commandLine()
  line.write({
    'endpoints/a.yaml': endpoint,
    'tables/numbers.yaml': 'columns: { n: integer }\nseed: numbers.csv\n',
    'numbers.csv': `n\n${Array.from({ length: 3_500 }, (_, n) => 3_500 - n).join('\n')}\n`,
  })
  await line.run('run', 'GET', '/a')
  const { out } = await line.run('records', 'numbers', '--format', 'csv', '--columns', 'n', '--order', 'n ASC')
  expect(out).toBe(`n\n${Array.from({ length: 3_500 }, (_, n) => n + 1).join('\n')}\n`)
  const file = join(line.cwd, 'out.json')
  await line.run('records', 'numbers', '--format', 'json', '--limit', '2001', '--output', 'out.json')
  expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveLength(2_001)
})
