import { describe, expect, test } from 'vitest'
import { type Files, type TempWorkspace, tempWorkspace } from '@streamstack/test-support/temp-workspace'
import { endpoint, send } from '@streamstack/test-support/test-server'
import { formatIssue } from '../workspace/index.ts'
import { Engine } from './index.ts'

const silent = (): void => undefined
const log = { debug: silent, info: silent, warn: silent, error: silent }

interface Opened extends AsyncDisposable {
  engine: Engine
  write: TempWorkspace['write']
  /** Reads the workspace again and gives the errors. */
  reload(): Promise<string[]>
  /** The file that serves a path. */
  serves(path: string): string | null
}

async function opened(files: Files): Promise<Opened> {
  const workspace = await tempWorkspace({ 'streamstack.yaml': '', ...files })
  const engine = await Engine.open({ dir: workspace.dir, log })
  return {
    engine,
    write: (file, content) => workspace.write(file, content),
    async reload() {
      return (await engine.reload()).filter(({ severity }) => severity === 'error').map(formatIssue)
    },
    serves(path) {
      const store = engine.workspace.router.find('GET', path)?.store as { endpoint?: { file: string } } | undefined
      return store?.endpoint?.file ?? null
    },
    async [Symbol.asyncDispose]() {
      await engine.close()
      await workspace[Symbol.asyncDispose]()
    },
  }
}

const live = endpoint('/users/:id', [send('mine')])
const rival = endpoint('/users/:name', [send('theirs')])
const taken = expect.stringMatching(/^endpoints\/aaa\.json:\d+:\d+ .*already the path of endpoints\/small\.json/)

describe('a second file for a route that is served', () => {
  test('gets the issue; the first goes on, until it gives the route away', async () => {
    await using one = await opened({ 'endpoints/small.json': live })
    await one.write('endpoints/aaa.json', rival)
    expect(await one.reload()).toEqual([taken])
    expect(one.serves('/users/1')).toBe('endpoints/small.json')
    expect(await one.reload()).toEqual([taken])
    await one.write('endpoints/small.json', endpoint('/people', [send('moved')]))
    expect(await one.reload()).toEqual([])
    expect([one.serves('/users/1'), one.serves('/people')]).toEqual(['endpoints/aaa.json', 'endpoints/small.json'])
  })

  test('cannot take it while the first is broken and goes on with its last good plan', async () => {
    await using one = await opened({ 'endpoints/small.json': live })
    await one.write('endpoints/aaa.json', rival)
    await one.write('endpoints/small.json', endpoint('/elsewhere', [send('{{nothing}}')]))
    const errors = await one.reload()
    expect(errors).toHaveLength(2)
    expect(errors).toContainEqual(taken)
    expect(one.serves('/users/1')).toBe('endpoints/small.json')
  })

  test('keeps its own old route when it was edited to take another', async () => {
    await using one = await opened({ 'endpoints/small.json': live, 'endpoints/aaa.json': endpoint('/a', [send('a')]) })
    await one.write('endpoints/aaa.json', rival)
    expect(await one.reload()).toEqual([taken])
    expect([one.serves('/users/1'), one.serves('/a')]).toEqual(['endpoints/small.json', 'endpoints/aaa.json'])
  })

  test('two files may change places', async () => {
    await using one = await opened({
      'endpoints/a.json': endpoint('/x', [send('x')]),
      'endpoints/b.json': endpoint('/y', [send('y')]),
    })
    await one.write('endpoints/a.json', endpoint('/y', [send('y')]))
    await one.write('endpoints/b.json', endpoint('/x', [send('x')]))
    expect(await one.reload()).toEqual([])
    expect([one.serves('/x'), one.serves('/y')]).toEqual(['endpoints/b.json', 'endpoints/a.json'])
  })

  test('at the first load the order of the files decides', async () => {
    await using one = await opened({ 'endpoints/small.json': live, 'endpoints/aaa.json': rival })
    expect(one.serves('/users/1')).toBe('endpoints/aaa.json')
  })
})

describe('an edited table that does not fit what is stored', () => {
  const table = (columns: object): object => ({ columns: { id: { type: 'integer', primary: true }, ...columns } })

  test('is told, and works on as it was declared before, for the endpoints too', async () => {
    const reads = endpoint('/items', [{ function: 'Get Records', table: 'items', where: { name: 'x' } }])
    await using one = await opened({
      'tables/items.yaml': table({ name: { type: 'text' } }),
      'endpoints/items.json': reads,
    })
    await one.engine.records.add('items', { name: 'x' })
    await one.write('tables/items.yaml', table({ name: { type: 'integer' }, size: { type: 'integer' } }))
    await one.write(
      'endpoints/new.json',
      endpoint('/new', [{ function: 'Get Records', table: 'items', where: { size: 1 } }]),
    )
    for (const round of ['edited', 'read again as it is']) {
      const errors = await one.reload()
      expect(errors, round).toHaveLength(2)
      expect(errors, round).toContainEqual(expect.stringMatching(/^endpoints\/new\.json:\d+:\d+ .*no column 'size'/))
      expect(errors, round).toContainEqual(expect.stringMatching(/^tables\/items\.yaml:\d+:\d+ .*name/))
      expect(one.serves('/new'), round).toBeNull()
      expect(await one.engine.records.get('items', 'name', 'x'), round).toEqual({ id: 1, name: 'x' })
    }
    await one.write('tables/items.yaml', table({ name: { type: 'text' }, size: { type: 'integer' } }))
    expect(await one.reload()).toEqual([])
    expect(await one.engine.records.get('items', 'name', 'x')).toEqual({ id: 1, name: 'x', size: null })
    expect(one.serves('/new')).toBe('endpoints/new.json')
  })
})
