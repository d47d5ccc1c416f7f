import type { Value } from '@streamstack/protocol'
import { expect, test } from 'vitest'
import { readTable } from './index.ts'
import { declareTable, treeOf } from './testing/declare-table.ts'

function problems(value: Value, name = 'things'): string {
  const { table, issues } = readTable(name, treeOf(value))
  expect(table).toBeNull()
  return issues.map((issue) => issue.message).join('\n')
}

test('a table without a primary column gets an id that is counted up', () => {
  const table = declareTable('flights', { columns: { delay: 'integer' } })
  expect(table.primaryKey).toBe('id')
  expect(table.columns.map((column) => [column.name, column.type, column.primary])).toEqual([
    ['id', 'integer', true],
    ['delay', 'integer', false],
  ])
})

test('reads every property of columns and both forms of indexes', () => {
  const table = declareTable('users', {
    description: 'People',
    columns: {
      key: { type: 'uuid', primary: true },
      role: { type: 'text', required: true, default: 'user', values: ['user', 'admin'], description: 'What they may' },
      seen: { type: 'timestamp', default: '2026-01-01T01:00:00+01:00' },
      email: { type: 'string', unique: true },
    },
    indexes: [['role', 'seen'], { columns: ['seen'], unique: true }, 'role'],
  })
  expect(table.columns[1]).toMatchObject({
    required: true,
    default: { kind: 'value', value: 'user' },
    values: ['user', 'admin'],
    description: 'What they may',
  })
  expect(table.columns[2]?.default).toEqual({ kind: 'value', value: '2026-01-01T00:00:00.000Z' })
  expect(table.columns[3]).toMatchObject({ type: 'text', unique: true })
  expect(table.indexes.map(({ columns, unique }) => ({ columns, unique }))).toEqual([
    { columns: ['role', 'seen'], unique: false },
    { columns: ['seen'], unique: true },
    { columns: ['role'], unique: false },
  ])
})

test('each mistake is told with what was meant', () => {
  const cases: readonly [Value, string][] = [
    [{}, 'has no columns'],
    ['text', 'must be an object'],
    [{ columns: [] }, 'must be an object of name and type'],
    [{ columns: { a: { type: 'intger' } } }, 'Did you mean `integer`'],
    [{ columns: { a: {} } }, 'has no type'],
    [{ columns: { a: { type: 'text', requird: true } } }, 'Did you mean `required`'],
    [{ columns: { a: { type: 'text', required: 'yes' } } }, 'must be true or false'],
    [{ columns: { a: { type: 'integer', default: 'x' } } }, 'must be a whole number'],
    [{ columns: { a: { type: 'text', values: ['x'], default: 'y' } } }, 'not one of its values'],
    [{ columns: { a: { type: 'text', values: [] } } }, 'at least one value'],
    [{ columns: { a: 'text', A: 'text' } }, 'differ in nothing but case'],
    [{ columns: { id: 'integer' } }, 'must say `primary: true`'],
    [
      { columns: { a: { type: 'integer', primary: true }, b: { type: 'integer', primary: true } } },
      'one primary column',
    ],
    [{ columns: { a: { type: 'json', primary: true } } }, 'integer, text or uuid'],
    [{ columns: { 'a"b': 'text' } }, 'must not hold quotes'],
    [{ columns: { constructor: 'text' } }, 'is reserved'],
    [{ columns: { abc: 'text' }, indexes: [['abd']] }, 'Did you mean `abc`'],
    [{ columns: { abc: 'json' }, indexes: [['abc']] }, 'cannot be indexed'],
    [{ columns: { abc: 'text' }, indexes: 5 }, 'must be a list'],
    [{ columns: { abc: 'text' }, index: [] }, 'Did you mean `indexes`'],
    [
      { columns: Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`c${at}`, 'text'])) },
      'at most 250 columns',
    ],
  ]
  for (const [value, message] of cases) expect(problems(value)).toContain(message)
  expect(problems({ columns: { a: 'text' } }, 'sqlite_x')).toContain('rename the file')
})
