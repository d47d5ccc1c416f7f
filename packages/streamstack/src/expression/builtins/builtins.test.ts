import { describe, expect, test } from 'vitest'
import { builtins } from '../index.ts'
import { evaluate, fault } from '../testing/evaluate.ts'

describe('every built-in', () => {
  test.each(builtins.map((builtin) => [builtin.signature, builtin] as const))(
    '%s gives what its example says',
    (_, builtin) => {
      const [expression, result] = builtin.example
      expect(evaluate(`{{${expression}}}`)).toStrictEqual(result)
      expect(expression).toContain(`${builtin.name}(`)
    },
  )

  test('stands once in the list, under its name and receiver', () => {
    const names = builtins.map(({ receiver, name }) => `${receiver ?? ''}.${name}`)
    expect(new Set(names).size).toBe(names.length)
  })

  test('says what it does in a sentence', () => {
    for (const { summary } of builtins) expect(summary).toMatch(/^[A-Z'-].*[^.]\.$/s)
  })
})

describe('dates', () => {
  test.each<[string, unknown]>([
    ["toTimestamp('2024-02-30')", NaN],
    ["toTimestamp('yesterday')", NaN],
    ["toISOString('2024-03-05T14:07')", '2024-03-05T14:07:00.000Z'],
    ["toISOString('2024-03-05T14:07:09+0530')", '2024-03-05T08:37:09.000Z'],
    ["addMonths('2023-11-30T00:00:00Z', 3)", '2024-02-29T00:00:00.000Z'],
    ["addDays('2024-02-28', 1)", '2024-02-29T00:00:00.000Z'],
    ['addDays(0, -1)', -86_400_000],
    ["formatDate('2024-07-01T23:30:00Z', 'dddd YYYY-MM-DD HH:mm Z', 'Asia/Tokyo')", 'Tuesday 2024-07-02 08:30 +09:00'],
    ["formatDate('2024-07-01T12:30:00Z', '[on] D/M/YY h:mm a', 'America/New_York')", 'on 1/7/24 8:30 am'],
    ["dateDiff('2024-03-01', '2024-02-28', 'hours')", -48],
    ["dateDiff('2024-03-01T00:00:00Z', '2024-03-01T23:59:59Z')", 0],
    ["weekday('2024-03-10')", 7],
  ])('%s', (expression, result) => {
    expect(evaluate(`{{${expression}}}`)).toStrictEqual(result)
  })

  test.each([
    ["{{formatDate('nonsense', 'YYYY')}}", 'ISO 8601'],
    ["{{formatDate(0, 'YYYY', 'Mars/Base')}}", 'time zone'],
    ["{{addDays('2024-01-01', 1e300)}}", 'outside the years'],
    ["{{dateDiff(0, 1, 'fortnight')}}", 'the unit is one of'],
    ["{{dateDiff(0, 1, 'constructor')}}", 'the unit is one of'],
  ])('%s fails and says why', (text, part) => {
    expect(() => evaluate(text)).toThrow(part)
  })
})

describe('lists', () => {
  test.each<[string, unknown]>([
    ['[3, 1, 2].sort()', [1, 2, 3]],
    ['[10, 9, 1].toSorted()', [1, 10, 9]],
    ["sortBy([{n: 'b'}, {n: null}, {n: 'a'}], item => item.n, 'desc')", [{ n: 'b' }, { n: 'a' }, { n: null }]],
    ['[1, 2].toSpliced(-1, 1)', [1]],
    ['[1, 2, 3].toSpliced(1)', [1]],
    ['[{a: 1, b: [2, 3]}].map(({a, b: [, second], c = 9}) => a + second + c)', [13]],
    ['[[1, 2, 3]].map(([head, ...tail]) => tail)', [[2, 3]]],
    ['[{a: 1, b: 2}].map(({a, ...others}) => others)', [{ b: 2 }]],
    [
      '[1, 2].map(x => [3, 4].map(y => x * y))',
      [
        [3, 4],
        [6, 8],
      ],
    ],
    ['[[1], [2]].map(x => x.map(x => x + 1))', [[2], [3]]],
    ["['1', '2'].map(Number)", [1, 2]],
    ["[0, 'a', null].filter(Boolean)", ['a']],
    ['[1.4, 2.6].map(Math.round)', [1, 3]],
    ['[{t: 1}, {t: 2}].map(item => item.t).reduce((a, b) => a + b)', 3],
    ['unique(["json:{}", {}])', ['json:{}', {}]],
    ["groupBy([{k: null}, {k: 'toString'}], 'k')", { '': [{ k: null }], toString: [{ k: 'toString' }] }],
    ['sum([])', 0],
    ['average([])', null],
    ['max([])', null],
    ['Array.from("añ😀")', ['a', 'ñ', '😀']],
    ['[].map(x => x)', []],
    ['[...[1, 2], ..."ab"]', [1, 2, 'a', 'b']],
    ['Math.max(...[1, 5, 3], 4)', 5],
  ])('%s', (expression, result) => {
    expect(evaluate(`{{${expression}}}`)).toStrictEqual(result)
  })

  test('methods never change the list that they are called on', () => {
    const list = [3, 1, 2]
    evaluate('{{[list.sort(), list.reverse(), list.toSpliced(0, 1), list.with(0, 9), list.concat([4])]}}', { list })
    expect(list).toStrictEqual([3, 1, 2])
  })

  test.each([
    ['push', '[...list, item]'],
    ['pop', 'slice(0, -1)'],
    ['splice', 'toSpliced'],
    ['forEach', 'For Each step'],
    ['maap', 'Did you mean `map`?'],
    ['match', 'includes'],
  ])('.%s() says what to write instead', (method, cure) => {
    expect(fault(`{{list.${method}(1)}}`, { list: [] })).toContain(cure)
  })
})

describe('texts that are cut', () => {
  test.each<[string, string]>([
    ["truncate('a long text', 3, '....')", '...'],
    ["truncate('a long text', 4, '....')", '....'],
    ["truncate('a long text', 0)", ''],
    ["truncate('a long text', -1)", ''],
    ["truncate('a long text', 2.9)", 'a…'],
    ["truncate('😀😀😀', 4, '')", '😀😀'],
    ["truncate('😀😀😀', 4)", '😀…'],
    ["truncate('Hej 👨‍👩‍👧 hej', 8)", 'Hej …'],
    ["truncate('Hej 🇸🇪🇩🇰', 9, '')", 'Hej 🇸🇪'],
    ["truncate('Ame\u0301lie', 4)", 'Am…'],
    ["truncate('abcdef', 1, '😀')", ''],
  ])('%s is never longer than asked for', (expression, result) => {
    expect(evaluate(`{{${expression}}}`)).toBe(result)
  })
})

describe('items that are the same', () => {
  test.each<[string, unknown]>([
    ['unique([{a: 1, b: {c: 2, d: 3}}, {b: {d: 3, c: 2}, a: 1}]).length', 1],
    ['unique([[{a: 1, b: 2}], [{b: 2, a: 1}]]).length', 1],
    ['difference([{a: 1, b: 2}], [{b: 2, a: 1}])', []],
    ['intersection([{a: 1, b: 2}], [{b: 2, a: 1}]).length', 1],
    ['unique([{a: 0 / 0}, {a: null}, {a: 1 / 0}]).length', 3],
  ])('%s agrees with isEqual', (expression, result) => {
    expect(evaluate(`{{${expression}}}`)).toStrictEqual(result)
  })
})
