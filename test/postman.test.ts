import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { serve } from 'streamstack'
import { chai, describe, expect, test } from 'vitest'
import { commandLine } from '@streamstack/test-support/command-line'
import { type Answer, call } from '@streamstack/test-support/http-client'
import { endpoint, send, testServer } from '@streamstack/test-support/test-server'

interface Item {
  readonly name: string
  readonly event: readonly { listen: string; script: { exec: readonly string[] } }[]
  readonly request: {
    readonly method: string
    readonly description?: string
    readonly auth: { type: string }
    readonly header: readonly { key: string; value: string }[]
    readonly url: {
      readonly raw: string
      readonly query?: readonly { key: string; value: string; disabled: boolean }[]
      readonly variable: readonly { key: string; value: string }[]
    }
    readonly body?: { mode: string; raw: string }
  }
}

interface Collection {
  readonly info: { name: string; schema: string }
  readonly item: readonly Item[]
}

async function collectionOf(
  files: Readonly<Record<string, unknown>>,
): Promise<{ collection: Collection; environment: object }> {
  using line = commandLine()
  line.write(Object.fromEntries(Object.entries(files).map(([name, file]) => [name, JSON.stringify(file)])))
  expect(await line.run('postman', '-o', 'out', '--url', 'https://api.example/')).toMatchObject({ code: 0, err: '' })
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(join(line.cwd, 'out', `streamstack.postman_${name}.json`), 'utf8')) as unknown
  return {
    collection: (await read('collection')) as Collection,
    environment: (await read('environment')) as object,
  }
}

/** Runs the script of a request over its answer, as Postman does; gives the names of tests that fail and of those that pass. */
function judge({ event }: Item, answer: Answer): { passed: string[]; failed: string[] } {
  const verdict = { passed: [] as string[], failed: [] as string[] }
  const pm = {
    expect: chai.expect,
    response: {
      code: answer.status,
      text: () => answer.text,
      headers: { get: (name: string) => answer.headers[name.toLowerCase()] },
      to: { have: { status: (status: number) => chai.expect(answer.status).to.equal(status) } },
    },
    test(name: string, check: () => void) {
      try {
        check()
        verdict.passed.push(name)
      } catch {
        verdict.failed.push(name)
      }
    },
  }
  // Arrays of another realm are not equal to those of this one.
  runInNewContext((event[0]?.script.exec ?? []).join('\n'), { pm, JSON, Array })
  return verdict
}

/** The text of a request with the variables that Postman knows by itself. */
function filledIn(text: string | undefined): string | undefined {
  return text?.replaceAll('{{$guid}}', () => crypto.randomUUID())
}

const files = {
  'endpoints/list.json': endpoint('/letters/:box', [send('a'), send({ b: 1 }), send('[DONE]')], {
    inputs: {
      box: { type: 'integer', min: 3 },
      q: { type: 'text', required: true, description: 'What to find' },
      limit: { type: 'integer', default: 5 },
    },
  }),
  'endpoints/add.json': endpoint('/letters', [{ function: 'Response', status: 201, content: { id: 1 } }], {
    method: 'POST',
    inputs: { text: { type: 'text', required: true }, note: { type: 'text' } },
  }),
  'endpoints/broken-off.json': endpoint('/broken-off', [send('a'), { function: 'Throw Error', message: 'no' }]),
}

test('every endpoint is a request that its server accepts', async () => {
  const { collection, environment } = await collectionOf({ ...files, 'streamstack.json': {} })
  expect(collection.info.schema).toContain('/v2.1.0/')
  expect(collection.item.map(({ name }) => name)).toEqual(['GET /broken-off', 'POST /letters', 'GET /letters/:box'])
  const [, add, list] = collection.item as [Item, Item, Item]
  expect(list.request.url).toMatchObject({
    raw: '{{base_url}}/letters/:box?q=example%20q',
    variable: [{ key: 'box', value: '3' }],
    query: [
      { key: 'q', value: 'example%20q', disabled: false, description: 'What to find' },
      { key: 'limit', value: '5', disabled: true },
    ],
  })
  expect(JSON.parse(add.request.body?.raw ?? '')).toEqual({ text: 'example text' })
  expect(add.request.auth).toEqual({ type: 'noauth' })
  expect(environment).toMatchObject({
    values: [
      { key: 'base_url', value: 'https://api.example' },
      { key: 'token', value: '', type: 'secret' },
    ],
  })
})

test('an endpoint that needs a token sends that of the environment', async () => {
  const { collection } = await collectionOf({
    'streamstack.yaml': { auth: { jwt: { secret: 'a-secret-for-tests-that-is-long-enough' } } },
    'endpoints/a.json': endpoint('/a', [send('x')], { settings: { authentication: true } }),
  })
  expect(collection.item[0]?.request.auth).toMatchObject({ type: 'bearer', bearer: [{ value: '{{token}}' }] })
})

describe('the script of a request', async () => {
  const { collection } = await collectionOf(files)
  const itemOf = (name: string): Item => collection.item.find((item) => item.name === name) as Item
  const accept = { accept: 'application/x-ndjson' }

  test('passes for an answer that is whole', async () => {
    await using server = await testServer(files)
    const list = await server.call('/letters/3?q=x', { headers: accept })
    expect(judge(itemOf('GET /letters/:box'), list)).toEqual({
      passed: [
        'The status is 200',
        'The answer is a stream with a run',
        'No chunk is an error',
        'The stream is complete',
        'All 3 chunks arrived, in order',
        '[DONE] is the last chunk',
      ],
      failed: [],
    })
    const added = await server.call('/letters', { body: { text: 'x' } })
    expect(judge(itemOf('POST /letters'), added)).toMatchObject({ passed: { length: 2 }, failed: [] })
  })

  test('fails for an error in the stream, a lost chunk, a missing end and a refused call', async () => {
    await using server = await testServer(files)
    const failed = await server.call('/broken-off', { headers: accept })
    expect(judge(itemOf('GET /broken-off'), failed).failed).toEqual(
      expect.arrayContaining(['No chunk is an error', 'The stream is complete']),
    )
    const whole = await server.call('/letters/3?q=x', { headers: accept })
    const lines = whole.text.trimEnd().split('\n')
    const without = (index: number): Answer => ({ ...whole, text: lines.toSpliced(index, 1).join('\n') })
    expect(judge(itemOf('GET /letters/:box'), without(1)).failed).toEqual(['All 3 chunks arrived, in order'])
    expect(judge(itemOf('GET /letters/:box'), without(3)).failed).toContain('The stream is complete')
    const refused = await server.call('/letters', { body: {} })
    expect(judge(itemOf('POST /letters'), refused).passed).toEqual([])
  })
})

test('a test of the workspace gives the request its sample and its outcome', async () => {
  const tested = {
    ...files,
    'tests/all.json': {
      tests: [
        { request: { path: '/letters/0' }, expect: { status: 400 } },
        { request: { path: '/letters/7', query: { q: 'a b', limit: 2 } }, expect: { outcome: 'completed' } },
        { request: { path: '/broken-off' }, expect: { outcome: 'failed' } },
        { request: { method: 'POST', path: '/letters', body: { text: 'real' } }, expect: { outcome: 'completed' } },
      ],
    },
  }
  const { collection } = await collectionOf(tested)
  const [broken, add, list] = collection.item as [Item, Item, Item]
  expect(list.request.url).toMatchObject({
    raw: '{{base_url}}/letters/:box?q=a%20b&limit=2',
    variable: [{ key: 'box', value: '7' }],
  })
  expect(JSON.parse(add.request.body?.raw ?? '')).toEqual({ text: 'real' })
  await using server = await testServer(files)
  const accept = { accept: 'application/x-ndjson' }
  const failed = await server.call('/broken-off', { headers: accept })
  expect(judge(broken, failed)).toMatchObject({
    passed: expect.arrayContaining(['The stream ends as failed', 'All 2 chunks arrived, in order']) as unknown,
    failed: [],
  })
  const completed = await server.call('/letters/3?q=x', { headers: accept })
  expect(judge(broken, completed).failed).toEqual(['The stream ends as failed'])
})

test('every request of the collection of the examples passes, again and again, those that are meant to fail included', async () => {
  const examples = join(import.meta.dirname, '../examples')
  using line = commandLine()
  expect(await line.run('postman', examples, '-o', 'out')).toMatchObject({ code: 0, err: '' })
  const text = await readFile(join(line.cwd, 'out/streamstack.postman_collection.json'), 'utf8')
  const { item: items } = JSON.parse(text) as Collection
  const server = await serve({ dir: examples, mode: 'dev', port: 0, data: join(line.cwd, 'data') })
  try {
    const grace = { email: 'grace@example.com', name: 'Grace', password: 'a long enough password' }
    const registered = await call(server.url, '/api/register', { body: grace })
    const { token } = JSON.parse(registered.text) as { token: string }
    const run = async (item: Item): Promise<object> => {
      const { method, auth, header, url, body } = item.request
      const credentials = auth.type === 'bearer' ? [{ key: 'Authorization', value: `Bearer ${token}` }] : []
      const path = url.variable.reduce((raw, { key, value }) => raw.replace(`:${key}`, value), url.raw)
      const answer = await call(server.url, path.replace('{{base_url}}', ''), {
        method,
        headers: Object.fromEntries([...header, ...credentials].map(({ key, value }) => [key, value])),
        body: filledIn(body?.raw),
      })
      return { name: item.name, status: answer.status, text: answer.text.slice(0, 300), ...judge(item, answer) }
    }
    for (let round = 0; round < 2; round++) {
      const verdicts = await Promise.all(items.map(run))
      expect(verdicts.filter((verdict) => !('failed' in verdict) || String(verdict.failed) !== '')).toEqual([])
      expect(verdicts).toContainEqual(expect.objectContaining({ name: 'POST /api/register', status: 201 }))
      expect(verdicts).toContainEqual(expect.objectContaining({ name: 'POST /api/login', status: 401 }))
    }
    const login = items.find(({ name }) => name === 'POST /api/login')
    expect(login?.request.description).toContain('meant to fail: the answer has the status 401')
  } finally {
    await server.close()
  }
})

describe('what an endpoint stores in a column of unique values', async () => {
  const users = {
    columns: { mail: { type: 'text', unique: true }, name: 'text', code: { type: 'text', unique: true } },
  }
  const add = { function: 'Add Record', table: 'users', record: { mail: '{{email.toLowerCase()}}', name: '{{name}}' } }
  const inputs = {
    email: { type: 'email', required: true },
    name: { type: 'text', required: true },
    code: { type: 'text', required: true, max_length: 8 },
  }
  const registers = endpoint('/users', [add, { function: 'Response', status: 201, content: {} }], {
    method: 'POST',
    inputs,
  })
  const bodyOf = async (files: Readonly<Record<string, unknown>>): Promise<unknown> => {
    const { collection } = await collectionOf({ 'tables/users.json': users, 'endpoints/add.json': registers, ...files })
    return JSON.parse(collection.item[0]?.request.body?.raw ?? '')
  }
  const tested = (email: string, status: number): Record<string, unknown> => ({
    'tests/add.json': {
      tests: [
        {
          request: { method: 'POST', path: '/users', body: { email, name: 'Ann', code: 'a' } },
          expect: { status },
        },
      ],
    },
  })

  test('is new in each call', async () => {
    expect(await bodyOf({})).toEqual({ email: '{{$guid}}@example.com', name: 'example name', code: 'example ' })
    expect(await bodyOf(tested('ann@example.com', 201))).toEqual({
      email: '{{$guid}}@example.com',
      name: 'Ann',
      code: 'a',
    })
  })

  test('is as a test says that expects a refusal', async () => {
    expect(await bodyOf(tested('taken@example.com', 409))).toMatchObject({ email: 'taken@example.com' })
  })

  test('is as it is where no text with a UUID fits', async () => {
    const coded = { ...add, record: { code: '{{code}}' } }
    const other = endpoint('/users', [coded], { method: 'POST', inputs })
    expect(await bodyOf({ 'endpoints/add.json': other })).toMatchObject({ email: 'ada@example.com', code: 'example ' })
  })
})

test('a broken endpoint fails the command', async () => {
  using line = commandLine()
  line.write({ 'endpoints/b.yaml': 'function_stack: [{ function: Nonsense }]\n' })
  expect(await line.run('postman')).toMatchObject({ code: 1, out: '' })
})
