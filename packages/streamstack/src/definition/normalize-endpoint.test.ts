import { readFileSync } from 'node:fs'
import type { Value } from '@streamstack/protocol'
import { describe, expect, test } from 'vitest'
import { catalog } from './fixtures/catalog.ts'
import { fromValue, good, messages, nowhere, send } from './fixtures/normalize.ts'
import {
  duplicateRoutes,
  type EndpointDefinition,
  normalizeEndpoint,
  normalizeFunctionFile,
  parseTree,
  toCanonical,
  treeFromValue,
} from './index.ts'

function fromFixture(name: string) {
  const file = `endpoints/${name}.json`
  const parsed = parseTree(file, readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), 'utf8'))
  if (parsed.tree === null) throw new Error(JSON.stringify(parsed.issues))
  return normalizeEndpoint(parsed.tree, file, catalog)
}

describe("the guide's own stacks", () => {
  test.each(['basic', 'basic-stack', 'large-dataset', 'multi-source', 'error-handling'])(
    '%s loads as it is written, and its canonical form is pinned',
    (name) => {
      const { endpoint, issues } = fromFixture(name)
      expect(issues.filter((issue) => issue.severity === 'error')).toEqual([])
      if (endpoint === null) throw new Error('no endpoint')
      const canonical = toCanonical(endpoint)
      expect(canonical).toMatchSnapshot()
      const again = fromValue(canonical, `endpoints/${name}.json`)
      expect(again.issues).toEqual([])
      expect(again.endpoint && toCanonical(again.endpoint)).toEqual(canonical)
    },
  )

  test('keep-alive, which Node sends itself, is left out without a word', () => {
    const { endpoint, issues } = fromFixture('basic')
    expect(issues).toEqual([])
    expect(endpoint?.headers).toEqual({ 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-cache' })
  })

  test('numbers beside the stack are said to change nothing', () => {
    expect(fromFixture('large-dataset').issues).toMatchObject([
      { severity: 'warning', position: { line: 8 }, message: expect.stringContaining('`batch_size` is a note') },
      { severity: 'warning', position: { line: 9 }, message: expect.stringContaining('`max_batches` is a note') },
    ])
  })

  test('the chatbot is read as far as its structure goes', () => {
    const extended = catalog.concat({
      name: 'Validate JWT',
      aliases: ['Validate JWT + sanitize input'],
      summary: 'Checks.',
      parameters: {},
    })
    const relaxed = extended.map((shape) =>
      shape.name === 'For Each'
        ? { ...shape, parameters: { input: { kind: 'value' as const, summary: 'The list.' } } }
        : shape,
    )
    const text = readFileSync(new URL('fixtures/ai-chatbot.json', import.meta.url), 'utf8')
    const { tree } = parseTree('endpoints/chat.json', text)
    if (tree === null) throw new Error('unreadable')
    const { endpoint, issues } = normalizeEndpoint(tree, 'endpoints/chat.json', relaxed)
    expect(issues).toMatchObject([{ severity: 'warning', message: expect.stringContaining('do not run') }])
    expect(endpoint).toMatchObject({ method: 'POST', path: '/api/ai-chat-stream', access: { authentication: true } })
    expect(endpoint?.stack.map((step) => [step.id, step.label, step.function])).toEqual([
      ['1', 'Input Validation', 'Validate JWT'],
      ['2', 'AI Integration', 'External API Request (Streaming)'],
      ['3', 'Stream Processing', 'For Each'],
    ])
    expect(Object.keys(endpoint?.stack[1]?.parameters ?? {})).toEqual(['url', 'method', 'headers', 'body'])
  })
})

describe('shapes of a file', () => {
  test('without settings, the file gives the path and the method is POST', () => {
    const { endpoint } = fromValue({ function_stack: [send] }, 'endpoints/chat/stream.yaml')
    expect(endpoint).toMatchObject({
      name: 'chat/stream',
      path: '/chat/stream',
      method: 'POST',
      onDisconnect: 'cancel',
    })
  })

  test('settings may stand beside the stack; a list of steps alone is a stack', () => {
    expect(good({ method: 'get', path: 'users/{id}/', function_stack: [send] })).toMatchObject({
      method: 'GET',
      path: '/users/:id',
      inputs: [{ name: 'id', type: 'text', required: true }],
    })
    expect(good([send]).stack).toHaveLength(1)
  })

  test.each<[Value, string]>([
    ['text', 'The file must hold an object with `function_stack`; it holds text.'],
    [{}, 'The file has no `function_stack`; add "function_stack": [ … ] with the steps.'],
    [
      { function_stack: ['Send it'] },
      'The function stack holds no steps; write objects such as { "function": "For Each", … }.',
    ],
    [{ function_stack: 3 }, '`function_stack` must be a list of steps; it is a number.'],
    [{ function_stack: [3] }, 'A step is an object such as { "function": "For Each", … }; this is a number.'],
    [
      { function_stack: [send], steps: [send] },
      '`steps` says again what `function_stack` on line 1 says; a file holds one endpoint.',
    ],
    [
      { function_stack: [send], autentication: true },
      '`autentication` is not known here. Did you mean `authentication`?',
    ],
    [
      { wrapper: { function_stack: [send], inpt_parameters: {} } },
      '`inpt_parameters` is not known here. Did you mean `input_parameters`?',
    ],
  ])('%j is refused', (value, message) => {
    expect(messages(value)).toContain(message)
    expect(fromValue(value).endpoint).toBeNull()
  })
})

test('a function file has inputs and a stack, and no settings', () => {
  const tree = treeFromValue({ inputs: { a: 'text' }, steps: [send] }, nowhere)
  expect(normalizeFunctionFile(tree, 'functions/mail/send.yaml', catalog).function).toMatchObject({
    name: 'mail/send',
    inputs: [{ name: 'a' }],
    stack: [{ function: 'Streaming API Response' }],
  })
  const wrong = normalizeFunctionFile(
    treeFromValue({ path: '/a', steps: [send] }, nowhere),
    'functions/a.yaml',
    catalog,
  )
  expect(wrong.function).toBeNull()
  expect(wrong.issues[0]?.message).toContain('`path` is a setting of an endpoint')
})

function at(file: string, method: string, path: string): EndpointDefinition {
  const { endpoint } = fromValue({ method, path, function_stack: [send] }, file)
  if (endpoint === null) throw new Error('no endpoint')
  return endpoint
}

test('two endpoints with one route are told apart by neither file order nor parameter names', () => {
  const issues = duplicateRoutes([
    at('endpoints/b.json', 'GET', '/a/:y'),
    at('endpoints/a.json', 'GET', '/a/{x}'),
    at('endpoints/c.json', 'POST', '/a/:y'),
    at('endpoints/d.json', 'GET', '/a/y'),
  ])
  expect(issues).toHaveLength(1)
  expect(issues[0]?.message).toBe('GET /a/:y is already the path of endpoints/a.json; change one of the two.')
})
