import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, test } from 'vitest'
import { makeToken } from '../../access/index.ts'
import { compileWorkspace } from '../../engine/index.ts'
import { openApiDocument, routeDescriptions } from '../index.ts'
import { readWorkspace } from '../../workspace/index.ts'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a-secret-for-tests-that-is-long-enough'

interface Operation {
  readonly operationId: string
  readonly parameters?: readonly { name?: string; in?: string; required?: boolean; schema?: object; $ref?: string }[]
  readonly requestBody?: { required: boolean; content: Readonly<Record<string, { schema: object }>> }
  readonly responses: Readonly<Record<string, { description: string; content?: Readonly<Record<string, object>> }>>
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
}

interface Document {
  readonly openapi: string
  readonly info: object
  readonly servers: readonly { url: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

async function documentOf(server: TestServer, token: string | null = null): Promise<Document> {
  const answer = await server.call(
    '/openapi.json',
    token === null ? {} : { headers: { authorization: `Bearer ${token}` } },
  )
  expect(answer.status).toBe(200)
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
  return JSON.parse(answer.text) as Document
}

async function faultsOf(document: object): Promise<unknown> {
  const { valid, errors } = await new Validator().validate(structuredClone(document) as Record<string, unknown>)
  return valid ? [] : errors
}

const tokenOf = (roles: readonly string[]): Promise<string> =>
  makeToken({ secret: SECRET, sub: 'ada', roles, expiresSeconds: 600 })

const named = ({ parameters = [] }: Operation, name: string): unknown => parameters.find((one) => one.name === name)

describe('the document of a workspace', () => {
  test('is valid, and describes inputs, formats, errors and the own routes', async () => {
    await using server = await testServer({
      'streamstack.yaml': { name: 'Letters', server: { public_url: 'https://letters.example' } },
      'endpoints/list.yaml': endpoint('/letters/:box', [send('x')], {
        settings: { headers: { 'Content-Type': 'text/event-stream' } },
        inputs: {
          box: { type: 'integer', min: 1 },
          limit: { type: 'integer', max: 50, default: 10, description: 'How many' },
          tags: { type: 'list', items: { type: 'text' } },
          options: { type: 'object', properties: { delay: { type: 'integer' } } },
          kinds: { type: 'text', values: ['long', 'short'], required: true },
        },
      }),
      'endpoints/add.yaml': endpoint('/letters/{room}', [send('x')], {
        method: 'POST',
        inputs: { text: { type: 'text', required: true, pattern: '^\\w+$' }, note: { type: 'text' } },
      }),
      'endpoints/root.yaml': endpoint('/', [send('mine')]),
    })
    const document = await documentOf(server)
    expect(await faultsOf(document)).toEqual([])
    expect(document).toMatchObject({
      openapi: '3.1.1',
      info: { title: 'Letters' },
      servers: [{ url: 'https://letters.example' }],
    })
    // One path, though the two files name its parameter differently.
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/', '/healthz', '/v1/channels/{name}']))
    const [path = '', ...more] = Object.keys(document.paths).filter((one) => one.startsWith('/letters/'))
    expect(more).toEqual([])
    const { get, post } = document.paths[path] as { get: Operation; post: Operation }
    const parameter = path.slice('/letters/{'.length, -1)

    expect(get.operationId).not.toBe(document.paths['/']?.['get']?.operationId)
    expect(named(get, parameter)).toMatchObject({ in: 'path', required: true, schema: { type: 'integer', minimum: 1 } })
    expect(named(get, 'limit')).toEqual({
      name: 'limit',
      in: 'query',
      description: 'How many',
      schema: expect.objectContaining({ type: 'integer', maximum: 50, default: 10 }),
    })
    expect(named(get, 'options')).toMatchObject({ style: 'deepObject', explode: true })
    expect(named(get, 'kinds')).toMatchObject({ required: true, schema: { enum: ['long', 'short'] } })
    const shared = get.parameters?.map(({ $ref }) => $ref).filter((ref) => ref !== undefined)
    expect(shared).toContain('#/components/parameters/format')
    expect(shared).not.toContain('#/components/parameters/kinds')
    expect(get.requestBody).toBeUndefined()
    expect(Object.keys(get.responses['200']?.content ?? {})[0]).toBe('text/event-stream')
    expect(Object.keys(get.responses)).toEqual(expect.arrayContaining(['400', '406', '429', '500', '503', 'default']))
    expect(Object.keys(get.responses)).not.toContain('401')
    expect(Object.keys(get.responses['429']?.content ?? {})).toEqual(['application/problem+json'])

    expect(post.requestBody).toMatchObject({ required: true })
    expect(post.requestBody?.content['application/json']?.schema).toMatchObject({
      required: ['text'],
      properties: { text: { type: 'string', pattern: '^\\w+$' }, note: { type: ['string', 'null'] } },
    })
    expect(Object.keys(post.responses)).toEqual(expect.arrayContaining(['413', '415']))
  })

  test('shows endpoints that need a token only to callers that may call them', async () => {
    await using server = await testServer({
      'streamstack.yaml': { auth: { jwt: { secret: '{{env.SECRET}}' } }, env: ['SECRET'] },
      '.env': `SECRET=${SECRET}\n`,
      'endpoints/open.json': endpoint('/open', [send('x')]),
      'endpoints/mine.json': endpoint('/mine', [send('x')], { settings: { authentication: true } }),
      'endpoints/admin.json': endpoint('/admin', [send('x')], {
        settings: { authentication: { type: 'jwt', roles: ['admin', 'owner'], scopes: ['write'] } },
      }),
    })
    const shown = async (token: string | null): Promise<readonly string[]> => {
      const { paths } = await documentOf(server, token)
      return Object.keys(paths).filter((path) => ['/open', '/mine', '/admin'].includes(path))
    }
    expect(await shown(null)).toEqual(['/open'])
    expect(await shown('not.a.token')).toEqual(['/open'])
    expect(await shown(await tokenOf([]))).toEqual(['/mine', '/open'])
    const token = await makeToken({
      secret: SECRET,
      sub: 'ada',
      roles: ['admin'],
      expiresSeconds: 600,
      claims: { scope: 'write' },
    })
    expect(await shown(token)).toEqual(['/admin', '/mine', '/open'])
    const document = await documentOf(server, token)
    expect(await faultsOf(document)).toEqual([])
    const security = (path: string): unknown => document.paths[path]?.['get']?.security
    expect(security('/open')).toEqual([])
    expect(security('/mine')).toEqual([{ bearer: [] }])
    expect(security('/admin')).toEqual([{ bearer: ['admin', 'write'] }, { bearer: ['owner', 'write'] }])
    expect(Object.keys(document.paths['/mine']?.['get']?.responses ?? {})).toEqual(
      expect.arrayContaining(['401', '403']),
    )
    expect(Object.keys(document.paths).filter((path) => /console|workspace/.test(path))).toEqual([])
  })
})

test('a rate limit is a 429 with its fields, a plain answer has no format', async () => {
  await using server = await testServer({
    'endpoints/limited.json': endpoint('/limited', [send('x')], { settings: { rate_limit: { calls: 5, per: '1m' } } }),
    'endpoints/plain.json': endpoint('/plain', [{ function: 'Response', status: 201, content: { id: 1 } }]),
  })
  const document = await documentOf(server)
  expect(await faultsOf(document)).toEqual([])
  const { 429: limited } = document.paths['/limited']?.['get']?.responses ?? {}
  expect(limited?.description).toContain('`rate_limited`')
  expect(limited).toHaveProperty('headers.RateLimit')
  const plain = document.paths['/plain']?.['get']?.responses
  expect(Object.keys(plain?.['200']?.content ?? {})).toEqual(['application/json', 'text/plain'])
  expect(plain?.['429']).not.toHaveProperty('headers.RateLimit')
})

test('the declared output is the schema of a plain answer', async () => {
  const output = { content: { type: 'object', properties: { id: { type: 'number', required: true } } } }
  await using server = await testServer({
    'endpoints/a.json': {
      ...endpoint('/a', [{ function: 'Response', content: { id: 1 } }]),
      output,
    },
  })
  const document = await documentOf(server)
  expect(await faultsOf(document)).toEqual([])
  expect(document.paths['/a']?.['get']?.responses['200']?.content?.['application/json']).toEqual({
    schema: { type: 'object', properties: { id: { type: 'number' } }, required: ['id'] },
  })
})

test('a rate limit of the settings is part of every endpoint, with its fields on every answer', async () => {
  await using server = await testServer({
    'streamstack.yaml': { limits: { rate_limit: { calls: 5, per: '1m' } } },
    'endpoints/a.json': endpoint('/a', [send('x')]),
  })
  const document = await documentOf(server)
  expect(await faultsOf(document)).toEqual([])
  const responses = document.paths['/a']?.['get']?.responses
  expect(responses?.['429']?.description).toContain('`rate_limited`')
  expect(responses?.['429']).toHaveProperty('headers.RateLimit')
  expect(responses?.['200']).toHaveProperty('headers.RateLimit')
  expect(responses?.['503']).toHaveProperty('headers.Retry-After')
})

test('the document of the examples is valid', async () => {
  const compiled = compileWorkspace(await readWorkspace(join(import.meta.dirname, '../../../../../examples'), {}), null)
  if (compiled.settings === null) throw new Error('the examples have no settings')
  const endpoints = [...compiled.plans.values()].map((plan) => plan.endpoint)
  expect(endpoints.length).toBeGreaterThan(5)
  const document = openApiDocument({ name: null, url: null, endpoints, limitsRate: false, routes: routeDescriptions })
  expect(await faultsOf(document)).toEqual([])
  const ids = Object.values(document['paths'] as unknown as Document['paths']).flatMap((item) =>
    Object.values(item).map(({ operationId }) => operationId),
  )
  expect(new Set(ids).size).toBe(ids.length)
})

test('the reference lists the route', () => {
  expect(readFileSync(join(import.meta.dirname, '../../../../../docs/reference/http.md'), 'utf8')).toContain(
    '`/openapi.json`',
  )
})
