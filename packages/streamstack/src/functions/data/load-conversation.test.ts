import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { normalizeEndpoint, parseTree, toCanonical, treeFromValue } from '../../definition/index.ts'
import { functions } from '../index.ts'

/** The guide's chatbot block, to the letter. */
const BLOCK = await readFile(new URL('../../definition/fixtures/ai-chatbot.json', import.meta.url), 'utf8')

const position = { file: 'endpoints/e.json', line: 1, column: 1 }

function normalized(definition: object): ReturnType<typeof normalizeEndpoint> {
  return normalizeEndpoint(
    treeFromValue(JSON.parse(JSON.stringify(definition)) as never, position),
    position.file,
    functions,
  )
}

test('a block that uses a conversation gets it, and its canonical form stays as it is', () => {
  const { tree } = parseTree('endpoints/ai-chat.json', BLOCK)
  if (tree === null) throw new Error('unreadable')
  const { endpoint, issues } = normalizeEndpoint(tree, 'endpoints/ai-chat.json', functions)
  expect(issues).toEqual([])
  if (endpoint === null) throw new Error('no endpoint')
  expect(endpoint.stack.map(({ function: name, words }) => [name, words])).toEqual([
    ['Validate Input', {}],
    ['Load Conversation', {}],
    ['External API Request (Streaming)', {}],
    [
      'For Each',
      {
        inner: [
          'Extract content from each streaming chunk',
          'Handle special tokens (start, stop, error)',
          'Add timing and progress metadata',
          'Forward chunks to client immediately',
        ],
      },
    ],
  ])
  const canonical = toCanonical(endpoint)
  const again = normalizeEndpoint(treeFromValue(canonical, endpoint.position), 'endpoints/ai-chat.json', functions)
  expect(again.issues).toEqual([])
  expect(again.endpoint && toCanonical(again.endpoint)).toEqual(canonical)
})

describe('a stack that uses conversation_history', () => {
  const uses = { function: 'Streaming API Response', content: '{{conversation_history}}' }
  const names = (definition: object): unknown => {
    const { endpoint } = normalized(definition)
    return [endpoint?.inputs.map(({ name }) => name), endpoint?.stack.map((step) => step.function)]
  }

  test('and declares no inputs takes the conversation from its caller', () => {
    expect(names({ function_stack: [uses] })).toEqual([
      expect.arrayContaining(['message', 'conversation_id', 'conversation_history']),
      ['Load Conversation', 'Streaming API Response'],
    ])
  })

  test('and declares inputs has those, and no other step', () => {
    const inputs = { conversation_history: 'list' }
    expect(names({ input_parameters: inputs, function_stack: [uses] })).toEqual([
      ['conversation_history'],
      ['Streaming API Response'],
    ])
  })

  test.each([
    [{ function: 'Create Variable', name: 'conversation_history', value: [] }],
    [{ variables: { conversation_history: [] } }],
    [{ function: 'Load Conversation', message: 'Hi' }],
    [{ function: 'Group', steps: [{ function: 'Get Records', table: 't', as: 'conversation_history' }] }],
  ])('and makes it itself is left alone: %j', (own) => {
    expect(names({ function_stack: [own, uses] })).toMatchObject([[], [expect.any(String), 'Streaming API Response']])
  })

  test('in words alone is left alone', () => {
    expect(names({ function_stack: [{ ...uses, content: 'conversation_history' }] })).toEqual([
      [],
      ['Streaming API Response'],
    ])
  })
})
