import { describe, expect, test } from 'vitest'
import { functions } from '../functions/index.ts'
import { normalizeEndpoint } from './normalize-endpoint.ts'
import { treeFromValue } from './tree.ts'

function normalized(
  settings: object,
  stack: readonly object[],
  inputs: object = {},
): ReturnType<typeof normalizeEndpoint> {
  const definition = { endpoint_settings: settings, input_parameters: inputs, function_stack: stack }
  const position = { file: 'endpoints/e.json', line: 1, column: 1 }
  return normalizeEndpoint(
    treeFromValue(JSON.parse(JSON.stringify(definition)) as never, position),
    position.file,
    functions,
  )
}

const send = { function: 'Streaming API Response', content: 'x' }
const uses = { function: 'Streaming API Response', content: '{{conversation_history}}' }
const screen = { function: 'Screen Prompt', input: '{{message}}' }

describe('settings that stand for steps', () => {
  test('filters come first, the conversation before its first use; the ids of the own steps stay', () => {
    const settings = { conversation: { id: 'c' }, filter: ['zebra'], redact: ['email'] }
    const { endpoint, issues } = normalized(settings, [screen, uses, send], { message: 'text' })
    expect(issues).toEqual([])
    expect(endpoint?.stack.map(({ id, function: name }) => [id, name])).toEqual([
      ['settings.1', 'Redact'],
      ['settings.2', 'Filter Stream'],
      ['1', 'Screen Prompt'],
      ['settings.conversation', 'Load Conversation'],
      ['2', 'Streaming API Response'],
      ['3', 'Streaming API Response'],
    ])
    expect(endpoint?.stack[3]?.parameters['message']?.value).toBe('{{input.message}}')
  })

  test('the conversation that a stack without inputs takes from its caller leaves the ids of its steps, too', () => {
    const stack = [screen, uses, send]
    const definition = { endpoint_settings: {}, function_stack: stack }
    const position = { file: 'endpoints/e.json', line: 1, column: 1 }
    const { endpoint } = normalizeEndpoint(treeFromValue(definition, position), position.file, functions)
    expect(endpoint?.stack.map(({ id, function: name }) => [id, name])).toEqual([
      ['1', 'Screen Prompt'],
      ['conversation', 'Load Conversation'],
      ['2', 'Streaming API Response'],
      ['3', 'Streaming API Response'],
    ])
  })

  test.each([
    [{ redact: true }, {}],
    [{ redact: ['email', 'card'] }, { kinds: ['email', 'card'] }],
    [{ redact: { fields: ['salary'] } }, { fields: ['salary'] }],
    [{ filter: { words: ['a'], mode: 'watch' } }, { words: ['a'], mode: 'watch' }],
  ])('%j', (settings, parameters) => {
    const { endpoint } = normalized(settings, [send])
    const given = Object.entries(endpoint?.stack[0]?.parameters ?? {}).map(([name, { value }]) => [name, value])
    expect(Object.fromEntries(given)).toEqual(parameters)
  })

  test.each([{ redact: false }, { redact: null }, {}])('%j stands for none', (settings) => {
    expect(normalized(settings, [send]).endpoint?.stack).toHaveLength(1)
  })

  test.each([
    [{ redact: 'email' }, '`redact` must be an object, or a list of kinds'],
    [{ conversation: 'c1' }, '`conversation` must be an object'],
    [{ conversation: { budget: 5 } }, 'Load Conversation has no parameter `budget`'],
    [{ filters: ['a'] }, 'Did you mean `filter`?'],
  ])('%j is refused', (settings, message) => {
    expect(normalized(settings, [send]).issues.map((issue) => issue.message)).toEqual([
      expect.stringContaining(message),
    ])
  })
})
