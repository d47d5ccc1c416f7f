import { describe, expect, test } from 'vitest'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send, testServer } from '@streamstack/test-support/test-server'
import { formatIssue, readWorkspace } from '../workspace/index.ts'
import { compileWorkspace } from './index.ts'

const FILES = { 'streamstack.yaml': 'env: [KEY, EMPTY]\nlog: { level: silent }\n', '.env': 'KEY=k-1\n' }

const when = (condition: string): object => ({
  function: 'Conditional',
  condition,
  true_branch: [send('yes')],
})

async function issuesOf(...steps: readonly object[]): Promise<string[]> {
  await using workspace = await tempWorkspace({
    ...FILES,
    'endpoints/e.json': endpoint('/e', steps, { inputs: { list: { type: 'list', default: [] } } }),
  })
  const { issues } = compileWorkspace(await readWorkspace(workspace.dir), null)
  return issues.filter(({ position }) => position.file === 'endpoints/e.json').map(formatIssue)
}

describe('the environment in expressions', () => {
  test.each([
    ['a text in quotes', send(`{{"set env.OTHER, and env alone" + ' env.NONE'}}`)],
    ['text beside an expression', send('env.OTHER costs {{1 + 1}}')],
    ['a member of another value', send('{{auth.env ?? 1}}')],
    ['a key of an object', send('{{ { env: 1 } }}')],
    ['a parameter of an arrow function', send('{{list.map((env) => env.name)}}')],
  ])('is not what %s says', async (_, step) => {
    expect(await issuesOf(step)).toEqual([])
  })

  test.each([
    ['as a whole', send('{{env}}')],
    ['in a list', send({ all: ['{{[env]}}'] })],
    ['by a spread', send('{{ { ...env } }}')],
    ['by a computed name', send('{{env[list[0]]}}')],
    ['by a computed name, optionally', send('{{env?.[list[0]]}}')],
    ['as the argument of a function', send('{{Object.keys(env)}}')],
    ['as the object of a method', send('{{env.toString()}}')],
    ['in another spelling', send('{{\\u0065nv}}')],
    ['in brackets', send('{{(env)}}')],
    ['as a parameter’s fallback', send('{{list.map((x = env) => x)}}')],
    ['in a condition without braces', when('env === 1')],
  ])('cannot be read %s', async (_, step) => {
    expect(await issuesOf(step)).toEqual([
      expect.stringMatching(/^endpoints\/e\.json:\d+:\d+ Read single values of the environment, as \{\{env\.NAME\}\}/),
    ])
  })

  test.each([
    ['in a value', send('a {{ env . KYE }}')],
    ['optionally', send('{{env?.KYE?.length}}')],
    ['in another spelling', send('{{env.K\\u0059E}}')],
    ['in a condition without braces', when('env.KYE === "a"')],
  ])('has the listed names only: %s', async (_, step) => {
    expect(await issuesOf(step)).toEqual([expect.stringMatching(/'KYE' is not listed .* Did you mean `KEY`\?/)])
  })

  test.each([
    ['in a value', send('{{env.EMPTY}}{{env.EMPTY}}')],
    ['in a condition', when('env.EMPTY === "a"')],
    ['in a URL', { function: 'External API Request', url: 'https://api.example.com/{{env.EMPTY}}' }],
  ])('warns of a listed name without a value: %s', async (_, step) => {
    expect(await issuesOf(step)).toEqual([expect.stringContaining("'EMPTY' is not set: put it into .env.")])
  })

  test('asks for no key of Google beside one in the URL', async () => {
    const ask = (query: string): object => ({
      function: 'External API Request (Streaming)',
      provider: 'google',
      url: `https://generativelanguage.googleapis.com/v1beta/models/g:streamGenerateContent${query}`,
      body: { contents: [] },
    })
    expect(await issuesOf(ask('?alt=sse&key={{env.KEY}}'))).toEqual([])
    expect(await issuesOf(ask('?alt=sse'))).toEqual([expect.stringContaining('GEMINI_API_KEY')])
  })

  test('gives the values of the names that are read', async () => {
    const steps = [
      send('{{env.KEY}} {{env["KEY"]}} {{env?.KEY.length}} {{env.EMPTY ?? "none"}}'),
      when('{{env.KEY}} === "k-1"'),
    ]
    await using server = await testServer({ ...FILES, 'endpoints/e.json': endpoint('/e', steps) })
    expect((await server.call('/e')).text).toBe('k-1 k-1 3 none\nyes\n')
  })
})
