import { describe, expect, test } from 'vitest'
import { type Files, tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { formatIssue, readWorkspace } from '../workspace/index.ts'
import { type CompiledWorkspace, compileWorkspace } from './index.ts'

const GOOD: Files = {
  'streamstack.yaml': '',
  'endpoints/good.json': endpoint('/good', [send('ok')]),
  'tables/orders.yaml': 'columns:\n  id: { type: integer, primary: true }\n  name: { type: text }\n',
}

async function compiled(files: Files): Promise<{ lines: string[]; workspace: CompiledWorkspace | { settings: null } }> {
  await using workspace = await tempWorkspace({ ...GOOD, ...files })
  const result = compileWorkspace(await readWorkspace(workspace.dir), null)
  return { lines: result.issues.filter(({ severity }) => severity === 'error').map(formatIssue), workspace: result }
}

const stack = (...steps: unknown[]): string => JSON.stringify({ function_stack: steps }, null, 1)
const deep = (open: string, close: string, depth: number): string => open.repeat(depth) + '1' + close.repeat(depth)

interface Case {
  title: string
  files: Files
  /** One for each error, in any order: place and words. */
  says: RegExp[]
}

const cases: Case[] = [
  {
    title: 'JSON that breaks off',
    files: { 'endpoints/bad.json': '{\n  "function_stack": [\n    { "function": "Sleep",\n' },
    says: [/^endpoints\/bad\.json:\d+:\d+ /],
  },
  {
    title: 'JSON with a missing comma',
    files: { 'endpoints/bad.json': '{\n  "endpoint_settings": { "path": "/x" }\n  "function_stack": []\n}' },
    says: [/^endpoints\/bad\.json:[23]:\d+ .*[Cc]omma/],
  },
  {
    title: 'YAML with a tab',
    files: { 'endpoints/bad.yaml': 'function_stack:\n\t- function: Sleep\n' },
    says: [/^endpoints\/bad\.yaml:2:\d+ .*tab/i],
  },
  {
    title: 'a function that does not exist',
    files: { 'endpoints/bad.json': stack({ function: 'For Eech', input: [] }) },
    says: [/^endpoints\/bad\.json:\d+:\d+ .*For Eech.*Did you mean.*For Each/],
  },
  {
    title: 'a parameter that does not exist',
    files: { 'endpoints/bad.json': stack({ function: 'Sleep', duration: 1, durration: 2 }) },
    says: [/^endpoints\/bad\.json:\d+:\d+ .*durration.*Did you mean.*duration/],
  },
  {
    title: 'a parameter that is missing',
    files: { 'endpoints/bad.json': stack({ function: 'Sleep' }) },
    says: [/^endpoints\/bad\.json:\d+:\d+ .*duration/],
  },
  {
    title: 'a parameter of the wrong kind',
    files: { 'endpoints/bad.json': stack({ function: 'Sleep', duration: 'long' }) },
    says: [/^endpoints\/bad\.json:\d+:\d+ .*duration/],
  },
  {
    title: 'a variable that does not exist',
    files: { 'endpoints/bad.json': stack({ function: 'Create Variable', name: 'total', value: 1 }, send('{{totel}}')) },
    says: [/^endpoints\/bad\.json:\d+:\d+ .*totel.*Did you mean.*total/],
  },
  {
    title: 'a loop name outside of a loop',
    files: { 'endpoints/bad.json': stack(send('{{item}}')) },
    says: [/^endpoints\/bad\.json:\d+:\d+ .*item/],
  },
  {
    title: 'an expression with an error in it',
    files: { 'endpoints/bad.json': stack(send('{{1 +}}')) },
    says: [/^endpoints\/bad\.json:\d+:\d+ /],
  },
  {
    title: 'an expression that is not closed',
    files: { 'endpoints/bad.json': stack(send('{{now')) },
    says: [/^endpoints\/bad\.json:\d+:\d+ .*\}\}/],
  },
  {
    title: 'an expression that reaches for more than it may',
    files: { 'endpoints/bad.json': stack(send('{{process.exit()}}'), send("{{''.constructor}}")) },
    says: [/process/, /constructor/],
  },
  {
    title: 'a deep expression',
    files: { 'endpoints/bad.json': stack(send(`{{${deep('(', ')', 20_000)}}}`)) },
    says: [/^endpoints\/bad\.json:\d+:\d+ .*(deep|long|nest)/i],
  },
  {
    title: 'a huge expression',
    files: { 'endpoints/bad.json': stack(send(`{{${'1+'.repeat(200_000)}1}}`)) },
    says: [/^endpoints\/bad\.json:\d+:\d+ .*(long|large|most|deep)/i],
  },
  {
    title: 'deep JSON',
    files: { 'endpoints/bad.json': deep('[', ']', 100_000) },
    says: [/^endpoints\/bad\.json:\d+:\d+ .*(deep|nest|level)/i],
  },
  {
    title: 'a table that is missing',
    files: { 'endpoints/bad.json': stack({ function: 'Get Records', table: 'oders' }) },
    says: [/^endpoints\/bad\.json:\d+:\d+ .*oders.*Did you mean `orders`/],
  },
  {
    title: 'columns that are missing, wherever they stand',
    files: {
      'endpoints/bad.json': stack(
        { function: 'Get Records', table: 'orders', where: { nmae: 'x' } },
        { function: 'Get Records', table: 'orders', where: "nmae === 'x'" },
        { function: 'Get Records', table: 'orders', order: 'nmae ASC' },
        { function: 'Get Records', table: 'orders', columns: ['nmae'] },
        { function: 'Get Record', table: 'orders', field: 'nmae', value: 1 },
        { function: 'Add Record', table: 'orders', record: { nmae: 'x' } },
      ),
    },
    says: Array.from({ length: 6 }, () => /^endpoints\/bad\.json:\d+:\d+ .*nmae.*Did you mean `name`/),
  },
  {
    title: 'a table with a type that does not exist',
    files: { 'tables/bad.yaml': 'columns:\n  id: { type: integr, primary: true }\n' },
    says: [/^tables\/bad\.yaml:2:\d+ .*integr.*Did you mean.*integer/],
  },
  {
    title: 'two endpoints with one path',
    files: {
      'endpoints/one.json': endpoint('/same/:id', [send(1)]),
      'endpoints/two.json': endpoint('/same/:name', [send(2)]),
    },
    says: [/^endpoints\/two\.json:\d+:\d+ .*endpoints\/one\.json/],
  },
  {
    title: 'functions that call each other',
    files: {
      'functions/a.json': stack({ function: 'Run Function', name: 'b' }),
      'functions/b.json': stack({ function: 'Run Function', name: 'a' }),
    },
    says: [/^functions\/[ab]\.json:\d+:\d+ .*circle.*(a → b → a|b → a → b)/],
  },
  {
    title: 'a function with an error, and the endpoint that calls it',
    files: {
      'functions/a.json': stack(send('{{nothing}}')),
      'endpoints/bad.json': stack({ function: 'Run Function', name: 'a' }),
    },
    says: [/^functions\/a\.json:\d+:\d+ .*nothing/, /^endpoints\/bad\.json:\d+:\d+ .*'a'/],
  },
  {
    title: 'a function file that is missing',
    files: {
      'functions/greet.json': stack(send('hi')),
      'endpoints/bad.json': stack({ function: 'Run Function', name: 'great' }),
    },
    says: [/^endpoints\/bad\.json:\d+:\d+ .*great.*Did you mean `greet`/],
  },
  {
    title: 'an environment name that is not listed',
    files: { 'endpoints/bad.json': stack(send('{{env.SECRET}}')), '.env': 'SECRET=hush-hush\n' },
    says: [/^endpoints\/bad\.json:\d+:\d+ .*SECRET.*env/],
  },
  {
    title: 'a file that is not UTF-8',
    files: { 'endpoints/bad.json': Buffer.from('{ "a": "\xe9" }', 'latin1') },
    says: [/^endpoints\/bad\.json:1:1 .*UTF-8/],
  },
  {
    title: 'the same key twice',
    files: { 'endpoints/bad.json': '{\n "function_stack": [],\n "function_stack": []\n}' },
    says: [/^endpoints\/bad\.json:3:\d+ .*function_stack/],
  },
  {
    title: 'a reserved key',
    files: {
      'endpoints/bad.json':
        '{ "function_stack": [ { "function": "Create Variable", "name": "x", "value": { "__proto__": 1 } } ] }',
    },
    says: [/^endpoints\/bad\.json:1:\d+ .*__proto__/],
  },
]

describe('a definition that is wrong', () => {
  test.each(cases.map((one) => [one.title, one] as const))(
    '%s: told with its place, and the rest is served',
    async (_, { files, says }) => {
      const { lines, workspace } = await compiled(files)
      for (const pattern of says) expect(lines.join('\n')).toMatch(new RegExp(pattern, `${pattern.flags}m`))
      expect(lines, lines.join('\n')).toHaveLength(says.length)
      for (const line of lines) {
        expect(line).toMatch(/^[\w./-]+:\d+:\d+ /)
        expect(line.length).toBeLessThan(600)
        expect(line).not.toMatch(/\/tmp\/|node_modules|hush-hush|\bat \w+ \(/)
      }
      if (workspace.settings === null) throw new Error('nothing is served')
      expect([...workspace.plans.keys()]).toContain('endpoints/good.json')
      expect([...workspace.plans.keys()]).not.toContain('endpoints/bad.json')
    },
  )

  test('every problem of a file is told at once', async () => {
    const { lines } = await compiled({
      'endpoints/bad.json': stack(
        send('{{a}}'),
        send('{{b}}'),
        { function: 'Slep', duration: 1 },
        { function: 'Sleep' },
      ),
    })
    expect(lines.length).toBeGreaterThanOrEqual(2)
  })
})

describe('settings that are wrong', () => {
  test.each<[string, RegExp]>([
    ['server: { prot: 80 }', /^streamstack\.yaml:1:\d+ .*prot.*port/],
    ['server: { port: 99999 }', /^streamstack\.yaml:1:\d+ .*server\.port.*65535/],
    ['streams:\n  window_bytes: many', /^streamstack\.yaml:2:\d+ .*window_bytes.*10mb/],
    ['outbound:\n  allow: ["not an address!"]', /^streamstack\.yaml:2:\d+ .*outbound\.allow/],
    ['auth: { jwt: {} }', /^streamstack\.yaml:1:\d+ .*auth\.jwt.*secret/],
    ['limits: { max_chunks: 0 }', /^streamstack\.yaml:1:\d+ .*max_chunks/],
    ['a: [', /^streamstack\.yaml:\d+:\d+ /],
  ])('%j', async (settings, says) => {
    const { lines, workspace } = await compiled({ 'streamstack.yaml': settings })
    expect(lines.join('\n')).toMatch(says)
    expect(workspace.settings).toBeNull()
  })
})
