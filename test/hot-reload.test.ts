import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { contents, problem } from '@streamstack/test-support/http-client'
import { tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { isError, openWebSocket } from '@streamstack/test-support/websocket-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'
import { serve } from 'streamstack'

const watched = (files: Record<string, unknown> = {}): Promise<TestServer> =>
  testServer({ 'endpoints/hello.json': endpoint('/hello', [send('one')]), ...files }, { watch: true })

/** Asks until the answer is the wanted one; the test's own time limit ends it. */
async function eventually(server: TestServer, path: string, wanted: string | number): Promise<void> {
  for (;;) {
    const { status, text } = await server.call(path)
    if (typeof wanted === 'number' ? status === wanted : text === wanted) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe('a workspace that changes while it is served', () => {
  test('an edited, an added, a moved and a removed endpoint are live', async () => {
    await using server = await watched()
    expect((await server.call('/hello?format=text')).text).toBe('one')
    await server.write('endpoints/hello.json', endpoint('/hello', [send('two')]))
    await eventually(server, '/hello?format=text', 'two')
    await server.write(
      'endpoints/deep/new.yaml',
      'endpoint_settings: { method: GET, path: /new }\nfunction_stack:\n  - { function: Streaming API Response, content: new }\n',
    )
    await eventually(server, '/new?format=text', 'new')
    await server.write('endpoints/hello.json', endpoint('/hallo', [send('three')]))
    await eventually(server, '/hallo?format=text', 'three')
    expect((await server.call('/hello')).status).toBe(404)
    await server.write('endpoints/hello.json', null)
    await eventually(server, '/hallo', 404)
    expect((await server.call('/new?format=text')).text).toBe('new')
  })

  test('a broken edit keeps the last good plan, until it is mended', async () => {
    await using server = await watched({ 'endpoints/other.json': endpoint('/other', [send('a')]) })
    await server.write('endpoints/hello.json', '{ "function_stack": [')
    // A good edit of another file shows that the broken one was read.
    await server.write('endpoints/other.json', endpoint('/other', [send('b')]))
    await eventually(server, '/other?format=text', 'b')
    expect((await server.call('/hello?format=text')).text).toBe('one')
    await server.write('endpoints/hello.json', endpoint('/hello', [send('mended')]))
    await eventually(server, '/hello?format=text', 'mended')
  })

  test('a broken function file keeps the plans that call it', async () => {
    await using server = await watched({
      'functions/greet.json': { function_stack: [send('hi')] },
      'endpoints/greets.json': endpoint('/greets', [{ function: 'Run Function', name: 'greet' }]),
    })
    await server.write('functions/greet.json', { function_stack: [send('{{nothing}}')] })
    await server.write('endpoints/hello.json', endpoint('/hello', [send('two')]))
    await eventually(server, '/hello?format=text', 'two')
    expect((await server.call('/greets?format=text')).text).toBe('hi')
    await server.write('functions/greet.json', { function_stack: [send('hello')] })
    await eventually(server, '/greets?format=text', 'hello')
  })

  test('broken settings keep the server going with those it had', async () => {
    await using server = await watched({ 'streamstack.yaml': { log: { level: 'silent' }, variables: { word: 'old' } } })
    await server.write('endpoints/hello.json', endpoint('/hello', [send('{{word}}')]))
    await eventually(server, '/hello?format=text', 'old')
    await server.write('streamstack.yaml', 'server: { port: [')
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect((await server.call('/hello?format=text')).text).toBe('old')
    await server.write('streamstack.yaml', { log: { level: 'silent' }, variables: { word: 'new' } })
    await eventually(server, '/hello?format=text', 'new')
  })

  test('a run that is under way finishes on its old plan', async () => {
    await using server = await watched({
      'functions/say.json': { input_parameters: { n: { type: 'any' } }, function_stack: [send('old {{n}}')] },
      'endpoints/slow.json': endpoint('/slow', [
        {
          function: 'For',
          count: 15,
          inner_functions: [
            { function: 'Run Function', name: 'say', inputs: { n: '{{loop_index}}' } },
            { function: 'Sleep', duration: 25 },
          ],
        },
      ]),
    })
    const open = await server.open('/slow?format=ndjson')
    await open.until('old 1')
    await server.write('functions/say.json', {
      input_parameters: { n: { type: 'any' } },
      function_stack: [send('new {{n}}')],
    })
    await server.write('endpoints/slow.json', endpoint('/slow', [send('new')]))
    await eventually(server, '/slow?format=text', 'new')
    expect((await open.ended).text).toContain('"outcome":"completed"')
    expect(contents((await open.ended).text)).toEqual(Array.from({ length: 15 }, (_, i) => `old ${i}`))
  })

  test('a new table can be used at once', async () => {
    await using server = await watched()
    await server.write(
      'tables/notes.yaml',
      'columns:\n  id: { type: integer, primary: true }\n  text: { type: text }\n',
    )
    await server.write(
      'endpoints/notes.json',
      endpoint('/notes', [{ function: 'Add Record', table: 'notes', record: { text: 'x' } }, send('{{record.text}}')]),
    )
    await eventually(server, '/notes?format=text', 'x')
  })

  test('with nothing left to serve it still answers', async () => {
    await using server = await watched()
    await server.write('endpoints', null)
    await eventually(server, '/hello', 404)
    expect((await server.call('/healthz')).status).toBe(200)
  })
})

describe('a server that cannot start', () => {
  test('because its port is in use, says so and how to choose another', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    try {
      await expect(testServer({}, { port })).rejects.toThrow(new RegExp(`Port ${port} .*in use.*--port`))
    } finally {
      other.close()
    }
  })

  test('because the data folder is a file, says where and what to do', async () => {
    await using workspace = await tempWorkspace({ 'streamstack.yaml': 'data: taken\n', taken: 'a file' })
    const starting = serve({ dir: workspace.dir, port: 0 })
    await expect(starting).rejects.toMatchObject({ code: 'storage_failed' })
    await expect(starting).rejects.toThrow(/data/)
  })

  test('because the database is none, says so and leaves it as it is', async () => {
    await using workspace = await tempWorkspace({ 'streamstack.yaml': 'data: data\n' })
    await workspace.write('data/records.sqlite', 'this is no database, it only looks like one'.repeat(100))
    await expect(serve({ dir: workspace.dir, port: 0 })).rejects.toMatchObject({ code: 'storage_failed' })
  })

  test('because there is no workspace, names the folder', async () => {
    await expect(serve({ dir: join('/nowhere', 'at-all'), port: 0 })).rejects.toThrow(/at-all|streamstack\.yaml|init/)
  })

  test('because its settings are wrong, lists every problem', async () => {
    await using workspace = await tempWorkspace({
      'streamstack.yaml': 'server: { port: x }\nlimits: { max_chunks: -1 }\n',
      'endpoints/e.json': endpoint('/e', [send('x')]),
    })
    await expect(serve({ dir: workspace.dir, port: 0 })).rejects.toMatchObject({
      name: 'WorkspaceError',
      message: expect.stringMatching(/^streamstack\.yaml:1:17 .*\nstreamstack\.yaml:2:23 /),
      issues: { length: 2 },
    })
  })

  test('leaves nothing behind: the next start works', async () => {
    await using workspace = await tempWorkspace({
      'streamstack.yaml': 'log: { level: silent }\n',
      '.streamstack': 'a file',
    })
    await expect(serve({ dir: workspace.dir, port: 0 })).rejects.toThrow()
    await workspace.write('.streamstack', null)
    await writeFile(join(workspace.dir, 'note.txt'), 'not a definition')
    const server = await serve({ dir: workspace.dir, port: 0 })
    await server.close()
  })
})

describe('an endpoint whose file was never valid', () => {
  const broken = { endpoint_settings: { method: 'GET', path: '/items/special' }, function_stack: [{ function: 'Snd' }] }

  test.each<[string, string, unknown]>([
    ['holds a mistake', 'endpoints/special.json', broken],
    [
      'does not parse as JSON',
      'endpoints/special.json',
      '{"endpoint_settings": {"method": "GET", "path": "/items/special"}, "function_stack": [',
    ],
    [
      'does not parse as YAML',
      'endpoints/special.yaml',
      'endpoint_settings:\n  method: GET\n  path: /items/special\n function_stack: [\n',
    ],
  ])('answers 503 when it %s, until it is mended', async (_, file, content) => {
    await using server = await watched({
      [file]: content,
      'endpoints/item.json': endpoint('/items/:id', [send('item {{id}}')]),
    })
    const answer = await server.call('/items/special')
    expect([answer.status, problem(answer)['code']]).toEqual([503, 'endpoint_broken'])
    // What is wrong with it is for the log and not for callers, and no other endpoint answers in its place.
    expect(answer.text).not.toMatch(/Snd|special\./)
    expect((await server.call('/items/special', { method: 'POST' })).status).toBe(405)
    expect((await server.call('/items/7?format=text')).text).toBe('item 7')
    await server.write(file, endpoint('/items/special', [send('mended')]))
    await eventually(server, '/items/special?format=text', 'mended')
    await server.write(file, null)
    await eventually(server, '/items/special?format=text', 'item special')
  })

  test('answers 503 to clients that resume a chat, also below the path of a more general endpoint', async () => {
    const chat = (stack: object[]): object => ({
      endpoint_settings: { method: 'POST', path: '/chat', format: 'ai-sdk' },
      function_stack: stack,
    })
    await using server = await watched({
      'endpoints/chat.json': chat([{ function: 'Snd' }]),
      'endpoints/plain.json': { ...broken, endpoint_settings: { method: 'POST', path: '/plain' } },
      'endpoints/general.json': endpoint('/:room/:id/stream', [send('general')]),
    })
    const answer = await server.call('/chat/7/stream')
    expect([answer.status, problem(answer)['code']]).toEqual([503, 'endpoint_broken'])
    // An endpoint of another format has no such path.
    expect((await server.call('/plain/7/stream?format=text')).text).toBe('general')
    await server.write('endpoints/chat.json', chat([send('mended')]))
    await eventually(server, '/chat/7/stream', 204)
  })

  test('an endpoint at the path by which a broken chat is resumed answers there', async () => {
    await using server = await testServer({
      'endpoints/chat.json': {
        endpoint_settings: { method: 'POST', path: '/chat', format: 'ai-sdk' },
        function_stack: [{ function: 'Snd' }],
      },
      'endpoints/own.json': endpoint('/chat/:other/stream', [send('own')]),
    })
    expect((await server.call('/chat/7/stream?format=text')).text).toBe('own')
  })

  test('answers 503 by every path that leads to it', async () => {
    await using server = await testServer({
      'streamstack.yaml': { server: { xano: true }, openai: { models: { special: 'GET /items/special' } } },
      'endpoints/special.json': broken,
    })
    await using socket = await openWebSocket(server.url)
    socket.send({ type: 'call', id: 'a', endpoint: 'GET /items/special' })
    const { error } = await socket.until(isError('a'))
    const body = { model: 'special', messages: [{ role: 'user', content: 'hi' }] }
    const answers = [await server.call('/api:v1/items/special'), await server.call('/v1/chat/completions', { body })]
    expect(answers.map((answer) => [answer.status, problem(answer)['code']])).toEqual([
      [503, 'endpoint_broken'],
      [503, 'endpoint_broken'],
    ])
    expect(error.code).toBe('endpoint_broken')
  })

  test('tells a developer what is wrong with it', async () => {
    await using server = await testServer({ 'endpoints/special.json': broken }, { mode: 'dev' })
    const answer = await server.call('/items/special')
    expect(answer.status).toBe(503)
    expect(String(problem(answer)['detail'])).toMatch(/^endpoints\/special\.json:\d+:\d+ .*Snd/)
  })

  test('is not called a missing one for a path that another file holds', async () => {
    await using server = await testServer({
      'endpoints/a.json': endpoint('/same', [send('good')]),
      'endpoints/b.json': endpoint('/same', [{ function: 'Snd' }]),
    })
    expect((await server.call('/same?format=text')).text).toBe('good')
  })
})

test('files that are mounted as a ConfigMap are live when its next version is mounted', async () => {
  await using server = await watched()
  const folder = join(server.dir, 'endpoints/mounted')
  const mount = async (version: string, content: string): Promise<void> => {
    await mkdir(join(folder, version), { recursive: true })
    await writeFile(join(folder, version, 'm.json'), JSON.stringify(endpoint('/mounted', [send(content)])))
    await symlink(version, join(folder, '..data_tmp'))
    await rename(join(folder, '..data_tmp'), join(folder, '..data'))
  }
  await mount('..2026_01', 'one')
  await symlink('..data/m.json', join(folder, 'm.json'))
  await eventually(server, '/mounted?format=text', 'one')
  await mount('..2026_02', 'two')
  await eventually(server, '/mounted?format=text', 'two')
  await rm(join(folder, '..2026_01'), { recursive: true })
  await mount('..2026_03', 'three')
  await eventually(server, '/mounted?format=text', 'three')
})
