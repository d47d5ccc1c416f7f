import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { FORMAT_NAMES, type Value } from '@streamstack/protocol'
import { describe, expect, test } from 'vitest'
import { catalog } from './fixtures/catalog.ts'
import { createIssueList, endpointJsonSchema, parseTree, treeFromValue } from './index.ts'
import { normalizeSettings, SETTINGS_KEYS } from './normalize-settings.ts'
import { settingSteps } from './setting-steps.ts'

const validate = new Ajv2020({ strict: false }).compile(endpointJsonSchema(catalog))

test.each(['basic', 'basic-stack'])("the editors' schema accepts %s", (name) => {
  const { tree } = parseTree('a.json', readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), 'utf8'))
  expect(validate(tree?.value), JSON.stringify(validate.errors)).toBe(true)
})

test.each([
  [
    { function_stack: [{ variables: { a: 1 } }, { function: 'Loop', list: '{{a}}', do: [{ function: 'Stop' }] }] },
    true,
  ],
  [{ function_stack: [{ function: 'Get Records', table: 't', limit: '{{n}}', as: 'rows' }] }, true],
  [{ function_stack: [{ function: 'Get Records', table: 't', limit: 'many' }] }, false],
  [{ function_stack: [{ function: 'Nope' }] }, false],
  [{ function_stack: [{ function: 'For Each', input: [1] }] }, false],
  [{ endpoint_settings: { metod: 'GET' }, function_stack: [] }, false],
  [{ endpoint_settings: { max_bytes: '10mb', max_duration: '5m' }, function_stack: [] }, true],
  [{}, false],
])('%j', (value, expected) => {
  expect(validate(value)).toBe(expected)
})

const POSITION = { file: 'a.json', line: 1, column: 1 }

/** What the reader says of settings. */
function faultsOf(settings: Value): readonly string[] {
  const list = createIssueList()
  const entries = treeFromValue(settings, POSITION).entries ?? []
  normalizeSettings(entries, list)
  settingSteps(entries, [], list)
  return list.issues.map(({ message }) => message)
}

/** Values of each setting that are read without a fault. */
const VALUES: Readonly<Record<string, readonly Value[]>> = {
  method: ['GET', 'DELETE', 'get', ' Post '],
  path: ['/a/:id'],
  endpoint: ['/a', 'POST /api/chat'],
  response_type: ['streaming', 'standard'],
  headers: [{ 'Content-Type': 'text/plain', 'X-Shop': 7 }],
  format: [...FORMAT_NAMES],
  authentication: [true, false, 'JWT token required', { type: 'jwt', required: true, roles: ['a'], scopes: 'b' }],
  roles: ['admin', ['admin', 'staff']],
  scopes: ['read', ['read', 'write']],
  allow: [true, '{{auth.team}} === {{team}}'],
  allow_read: ["{{auth.roles.includes('support')}}"],
  limits: [{ max_chunks: 3, max_bytes: '1mb', purpose: 'a note', '// why': 'another' }],
  rate_limit: [
    { calls: 60, per: '1m' },
    { calls: 3, per: '1h', by: 'input.email' },
    { tokens: 1_000, per: '1h', by: 'address', roles: ['free'], mode: 'report', note: 'x' },
    [
      { bytes: '10mb', per: '1d', keys: ['partner'] },
      { calls: 1, per: 1_000, by: 'caller', mode: 'enforce', roles: 'a' },
    ],
  ],
  concurrency: [4, { runs: 4, queue: 0, wait: '10s', '//': 'x' }],
  max_duration: ['30s', '5m', 500],
  max_chunks: [1],
  max_bytes: ['512kb', 10],
  max_iterations: [1],
  delivery: ['memory', 'durable'],
  on_disconnect: ['continue', 'cancel'],
  disconnect_grace: ['10s', 0],
  redact: [true, ['email'], { kinds: ['email'] }],
  filter: [['word'], { words: ['word'] }],
  conversation: [{ message: '{{question}}' }],
}

describe("the editors' schema of settings", () => {
  const accepts = (settings: Value): boolean => validate({ endpoint_settings: settings, function_stack: [] })

  test('knows the keys that are read, and no other', () => {
    const sections = endpointJsonSchema(catalog)['properties'] as Record<string, { properties: object }>
    const properties = sections['endpoint_settings']?.properties ?? {}
    expect(Object.keys(VALUES).sort()).toEqual([...SETTINGS_KEYS].sort())
    const others = Object.keys(properties).filter((key) => !SETTINGS_KEYS.includes(key))
    expect(faultsOf(Object.fromEntries(others.map((key) => [key, 'a note'])))).toEqual([])
    expect(Object.keys(properties)).toEqual(expect.arrayContaining([...SETTINGS_KEYS]))
  })

  test.each(Object.entries(VALUES).flatMap(([key, values]) => values.map((value) => [{ [key]: value }])))(
    'accepts %j, as the reader does',
    (settings) => {
      expect(faultsOf(settings)).toEqual([])
      expect(accepts(settings), JSON.stringify(validate.errors)).toBe(true)
    },
  )

  test('accepts notes, as the reader does', () => {
    const settings = { purpose: 'a', security: { any: ['thing'] }, 'x-owner': 'team', '// why': 'b', name: 'chat' }
    expect(faultsOf(settings)).toEqual([])
    expect(accepts(settings), JSON.stringify(validate.errors)).toBe(true)
  })

  test.each<[Value]>([
    [{ fromat: 'sse' }],
    [{ format: 'xml' }],
    [{ rate_limit: { calls: 60 } }],
    [{ rate_limit: { calls: 60, per: '1m', bye: 'caller' } }],
    [{ concurrency: 0 }],
    [{ concurrency: { queue: 3 } }],
    [{ delivery: 'disk' }],
  ])('refuses %j, as the reader does', (settings) => {
    expect(faultsOf(settings)).not.toEqual([])
    expect(accepts(settings)).toBe(false)
  })
})
