import type { Value } from '@streamstack/protocol'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, contents, problem } from '@streamstack/test-support/http-client'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const SECRET = 'a-secret-for-tests-that-is-long-enough'

async function as(claims: Readonly<Record<string, unknown>>): Promise<Record<string, string>> {
  const token = new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('5m')
  return { Authorization: `Bearer ${await token.sign(new TextEncoder().encode(SECRET))}` }
}

const columns = {
  owner: 'text',
  team: 'integer',
  body: { type: 'text', unique: true },
  shared: { type: 'boolean', default: false },
}

const records: readonly Readonly<Record<string, Value>>[] = [
  { id: 1, owner: 'ann', team: 1, body: 'of ann' },
  { id: 2, owner: 'bob', team: 2, body: 'of bob' },
  { id: 3, owner: 'bob', team: 2, body: 'shared by bob', shared: true },
  { id: 4, owner: null, team: null, body: 'of nobody' },
  { id: 5, owner: 'ann', team: 1, body: 'also of ann' },
]

/** Tables with the same records, by their rules. */
const tables = {
  own: { columns, allow: 'owner == {{auth.sub}}' },
  mixed: { columns, allow: "shared || owner == {{auth.sub}} || {{auth.roles.includes('admin')}}" },
  parts: { columns, allow: { read: true, write: 'owner == {{auth.sub}}', delete: "{{auth.roles.includes('admin')}}" } },
  negated: { columns, allow: 'not (owner == {{auth.blocked}}) && team != {{auth.without}}' },
  lists: { columns, allow: { read: 'team in {{auth.teams}}' } },
  number: { columns, allow: 'team == {{auth.sub}}' },
  closed: { columns, allow: false },
  free: { columns },
}

const name = { table: { type: 'text', required: true } }
const step = (more: object): object => ({ table: '{{table}}', ...more })

let server: TestServer
beforeAll(async () => {
  const one = (path: string, inputs: object, stack: readonly object[]): object =>
    endpoint(path, stack, { method: 'POST', inputs: { ...name, ...inputs }, settings: { authentication: false } })
  const any = {
    id: { type: 'any' },
    by: { type: 'text', default: 'id' },
    record: { type: 'object' },
    q: { type: 'text' },
  }
  const stacks: Readonly<Record<string, readonly object[]>> = {
    list: [{ function: 'Get Records', ...step({ order: 'id ASC' }), as: 'rows' }, send('{{rows.map(row => row.id)}}')],
    raw: [{ function: 'Get Records', ...step({ columns: ['id'], order: 'id ASC' }), as: 'rows' }, send('{{rows}}')],
    stream: [{ function: 'Get Records', ...step({ columns: ['id'], chunk_by: 'records', chunk_size: 1 }) }],
    find: [
      { function: 'Get Records', ...step({ where: "body contains 'of' || id > 0", limit: 9 }), as: 'rows' },
      send('{{rows.map(row => row.id)}}'),
    ],
    search: [
      {
        function: 'Get Records',
        ...step({ where: 'owner == {{q}} || body contains {{q}} || not (body == {{q}})' }),
        as: 'rows',
      },
      send('{{rows}}'),
    ],
    count: [{ function: 'Count Records', ...step({}) }, send('{{count}}')],
    total: [
      { step: 'Start', variables: { offset: 0, more: true } },
      {
        function: 'While Loop',
        condition: '{{more}}',
        inner_logic: [
          { function: 'Get Records', ...step({ order: 'id ASC', limit: 1, offset: '{{offset}}' }), as: 'page' },
          { function: 'Update Variables', updates: { offset: '{{offset + 1}}', more: '{{page.length === 1}}' } },
          {
            function: 'Conditional',
            condition: '{{page.length > 0}}',
            true_branch: [send('{{page[0].id}} of {{estimated_total}}')],
          },
        ],
      },
    ],
    get: [
      { function: 'Get Record', ...step({ field: '{{by}}', value: '{{id}}' }) },
      send('{{record === null ? "none" : record.id}}'),
    ],
    add: [{ function: 'Add Record', ...step({ record: '{{record}}' }), as: 'added' }, send('{{added.id}}')],
    edit: [
      { function: 'Edit Record', ...step({ field: '{{by}}', value: '{{id}}', record: '{{record}}' }), as: 'edited' },
      send('{{edited.body}}'),
    ],
    delete: [
      { function: 'Delete Record', ...step({ field: '{{by}}', value: '{{id}}' }), as: 'gone' },
      send('{{gone}}'),
    ],
    tool: [{ function: 'Run Function', name: 'inner', inputs: { table: '{{table}}' }, as: 'found' }, send('{{found}}')],
  }
  server = await testServer(
    {
      'streamstack.yaml': { auth: { jwt: { secret: SECRET } } },
      'functions/inner.json': {
        input_parameters: name,
        function_stack: [
          { function: 'Count Records', ...step({}) },
          { function: 'Return', value: '{{count}}' },
        ],
      },
      ...Object.fromEntries(
        Object.entries(stacks).flatMap(([path, stack]) => [
          [`endpoints/open-${path}.json`, one(`/open/${path}`, any, stack)],
          [
            `endpoints/${path}.json`,
            endpoint(`/${path}`, stack, {
              method: 'POST',
              inputs: { ...name, ...any },
              settings: { authentication: true },
            }),
          ],
        ]),
      ),
    },
    {
      tables: Object.fromEntries(
        Object.entries(tables).map(([key, declaration]) => [key, { declaration: declaration as never, records }]),
      ),
    },
  )
})
afterAll(async () => server.close())

async function call(act: string, table: string, claims: object | null, inputs: object = {}): Promise<Answer> {
  const headers = claims === null ? {} : await as(claims as Record<string, unknown>)
  const path = claims === null ? `/open/${act}` : `/${act}`
  return server.call(`${path}?format=ndjson`, { body: { table, ...inputs }, headers })
}

async function ids(table: string, claims: object | null): Promise<unknown> {
  const [list] = contents((await call('list', table, claims)).text)
  return list
}

const code = (answer: Answer): unknown => [answer.status, answer.status === 200 ? null : problem(answer)['code']]

describe('the records that a caller reads', () => {
  test.each([
    ['its own', 'own', { sub: 'ann' }, [1, 5]],
    ['those of another', 'own', { sub: 'bob' }, [2, 3]],
    ['none without records of its own', 'own', { sub: 'eve' }, []],
    ['none without a token', 'own', null, []],
    ['none of a token without the claim, and none without an owner', 'own', { name: 'ann' }, []],
    ['none where the claim has another type', 'own', { sub: 'ann', roles: ['admin'], name: 1 }, [1, 5]],
    ['shared ones beside its own', 'mixed', { sub: 'ann' }, [1, 3, 5]],
    ['shared ones without a token', 'mixed', null, [3]],
    ['all, as an admin', 'mixed', { sub: 'eve', roles: ['admin'] }, [1, 2, 3, 4, 5]],
    ['no more for a role that only sounds so', 'mixed', { sub: 'eve', roles: ['admin '] }, [3]],
    ['those that are not excluded', 'negated', { sub: 'eve', blocked: 'bob', without: 1 }, [4]],
    ['none where what is excluded is unknown', 'negated', { sub: 'eve', blocked: 'bob' }, []],
    ['none where the other is unknown', 'negated', { sub: 'eve', without: 1 }, []],
    ['none without a token, also below `not`', 'negated', null, []],
    ['those of its teams', 'lists', { sub: 'eve', teams: [2, 7] }, [2, 3]],
    ['none of an empty list', 'lists', { sub: 'eve', teams: [] }, []],
    ['none where the list is an object', 'lists', { sub: 'eve', teams: { gt: 0 } }, []],
    ['none where a team does not fit', 'lists', { sub: 'eve', teams: ['x'] }, []],
    [
      'none of more teams than a filter takes',
      'lists',
      { sub: 'eve', teams: Array.from({ length: 1_001 }, () => 2) },
      [],
    ],
    ['none where the claim does not fit the column', 'number', { sub: 'ann' }, []],
    ['none of a closed table', 'closed', { sub: 'ann', roles: ['admin'] }, []],
    ['all where nothing is said', 'free', null, [1, 2, 3, 4, 5]],
  ])('%s', async (_what, table, claims, expected) => {
    expect(await ids(table, claims)).toEqual(expected)
  })

  test('are the same in every way to read them', async () => {
    const ann = { sub: 'ann' }
    expect(contents((await call('raw', 'own', ann)).text)).toEqual([[{ id: 1 }, { id: 5 }]])
    expect(contents((await call('stream', 'own', ann)).text)).toEqual([[{ id: 1 }], [{ id: 5 }]])
    expect(contents((await call('find', 'own', ann)).text)).toEqual([[1, 5]])
    expect(contents((await call('count', 'own', ann)).text)).toEqual([2])
    expect(contents((await call('tool', 'own', ann)).text)).toEqual([2])
    expect(contents((await call('total', 'own', ann)).text)).toEqual(['1 of 2', '5 of 2'])
    for (const [by, id, expected] of [
      ['id', 1, 1],
      ['id', 2, 'none'],
      ['id', null, 'none'],
      ['body', 'of bob', 'none'],
      ['owner', 'ann', 1],
      ['owner', null, 'none'],
    ] as const) {
      expect(contents((await call('get', 'own', ann, { by, id })).text)).toEqual([expected])
    }
  })
})

describe('the records that a caller changes', () => {
  test('are added when they fit, and not stored when they do not', async () => {
    const ann = { sub: 'ann' }
    expect(code(await call('add', 'own', ann, { record: { id: 20, owner: 'ann', body: 'twenty' } }))).toEqual([
      200,
      null,
    ])
    for (const record of [{ id: 21, owner: 'bob' }, { id: 21 }, { id: 21, owner: null }]) {
      const refused = await call('add', 'own', ann, { record })
      expect(code(refused)).toEqual([403, 'forbidden'])
    }
    expect(code(await call('add', 'own', null, { record: { id: 21, owner: 'ann' } }))).toEqual([403, 'forbidden'])
    expect(code(await call('add', 'lists', ann, { record: { id: 21, team: 1 } }))).toEqual([403, 'forbidden'])
    expect(await ids('own', ann)).toEqual([1, 5, 20])
    expect(contents((await call('delete', 'own', ann, { id: 20 })).text)).toEqual([true])
  })

  test('are its own before and after', async () => {
    const ann = { sub: 'ann' }
    expect(contents((await call('edit', 'own', ann, { id: 1, record: { team: 9 } })).text)).toEqual(['of ann'])
    expect(code(await call('edit', 'own', ann, { id: 2, record: { body: 'mine' } }))).toEqual([404, 'record_missing'])
    expect(code(await call('edit', 'own', ann, { id: 2, record: { owner: 'ann' } }))).toEqual([404, 'record_missing'])
    expect(code(await call('edit', 'own', ann, { id: 1, record: { owner: 'bob' } }))).toEqual([403, 'forbidden'])
    expect(code(await call('edit', 'own', ann, { id: 1, record: { id: 99, owner: 'bob' } }))).toEqual([
      403,
      'forbidden',
    ])
    // Others' records neither help nor stand in the way.
    expect(code(await call('edit', 'own', { sub: 'bob' }, { by: 'team', id: 2, record: {} }))).toEqual([
      500,
      'query_invalid',
    ])
    expect(code(await call('edit', 'mixed', ann, { by: 'team', id: 2, record: { body: 'changed' } }))).toEqual([
      200,
      null,
    ])
    expect(await ids('own', ann)).toEqual([1, 5])
    expect(await ids('own', { sub: 'bob' })).toEqual([2, 3])
  })

  test('are its own to delete', async () => {
    for (const [by, id] of [
      ['id', 2],
      ['body', 'of bob'],
      ['id', 99],
    ] as const) {
      expect(contents((await call('delete', 'own', { sub: 'ann' }, { by, id })).text)).toEqual([false])
    }
    expect(await ids('own', { sub: 'bob' })).toEqual([2, 3])
  })

  test('have a rule for each act', async () => {
    const ann = { sub: 'ann' }
    expect(await ids('parts', null)).toEqual([1, 2, 3, 4, 5])
    expect(code(await call('edit', 'parts', ann, { id: 1, record: { team: 3 } }))).toEqual([200, null])
    expect(code(await call('edit', 'parts', ann, { id: 2, record: { team: 3 } }))).toEqual([404, 'record_missing'])
    expect(contents((await call('delete', 'parts', ann, { id: 1 })).text)).toEqual([false])
    expect(contents((await call('delete', 'parts', { sub: 'eve', roles: ['admin'] }, { id: 2 })).text)).toEqual([true])
    expect(await ids('parts', null)).toEqual([1, 3, 4, 5])
  })

  test('cannot be told from others by what a caller searches for', async () => {
    for (const q of ['bob', 'of bob', '%', "' OR 1=1 --", '{{auth.sub}}']) {
      const answer = await call('search', 'own', { sub: 'ann' }, { q })
      expect(answer.status).toBe(200)
      expect(answer.text).not.toContain('bob')
    }
  })
})
