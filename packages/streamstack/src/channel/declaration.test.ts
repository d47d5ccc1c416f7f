import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { channelJsonSchema } from './index.ts'
import { declared } from './testing/test-channels.ts'

/** Issues as `line:column message`. */
const issuesOf = (text: string): string[] =>
  declared({ room: text }).issues.map(({ message, position }) => `${position.line}:${position.column} ${message}`)

describe('a file of channels/', () => {
  test('says everything in few words', () => {
    const { table, issues } = declared({
      room: 'channel: rooms/{room}\npublish: { roles: [a, b], scopes: c, when: "{{room}} !== \'x\'" }\nsubscribe: token\npresence: true\nhistory: { count: 5, age: 2m }\ndelivery: durable\nmax_bytes: 1kb\ndescription: A room.\n',
    })
    expect(issues).toEqual([])
    expect(table.channels[0]).toMatchObject({
      pattern: { text: 'rooms/{room}', parameters: ['room'] },
      publish: { access: { authentication: true, roles: ['a', 'b'], scopes: ['c'] } },
      subscribe: { access: { authentication: true, roles: [], scopes: [] }, when: null },
      presence: { access: { authentication: false } },
      history: { count: 5, ageMs: 120_000 },
      delivery: 'durable',
      deliver: null,
      maxBytes: 1024,
    })
  })

  test('allows no caller by default, and keeps nothing for late readers', () => {
    const { table } = declared({ 'deep/room': '{}' })
    expect(table.channels[0]).toMatchObject({
      pattern: { text: 'deep/room' },
      publish: null,
      subscribe: null,
      presence: null,
      history: { count: 0 },
      delivery: 'memory',
    })
  })

  test.each([
    ['publsh: true', '1:1 There is no key `publsh` here. Did you mean `publish`?'],
    [
      'publish: yes please',
      '1:10 `publish` must be false (no caller), true (every caller), token, or { roles, scopes, when }; it is "yes please".',
    ],
    ['publish: {}', '1:10 `publish` says nothing; write true if every caller may.'],
    ['publish: { roles: [] }', '1:19 `roles` must be a list with at least one name, such as [member].'],
    ['publish: { rolls: [a] }', '1:12 There is no key `rolls` here. Did you mean `roles`?'],
    ['subscribe: { when: "{{aut.sub}} === 1" }', "1:23 There is no variable 'aut'. Did you mean `auth`?"],
    [
      'subscribe: { when: "{{message}} === 1" }',
      "1:23 There is no variable 'message' here. There are auth and channel; put quotes around it if it is text.",
    ],
    [
      'channel: a/{room}\ndeliver: "{{nonsense}} === {{message}}"',
      "2:13 There is no variable 'nonsense' here. There are auth, channel, message, metadata and room; put quotes around it if it is text.",
    ],
    [
      'channel: a/{room}\ndeliver: "{{message.to}} === {{rom}}"',
      "2:32 There is no variable 'rom'. Did you mean `room`?",
    ],
    ['deliver: "{{message"', '1:11 '],
    ['channel: a//b', '1:10 The channel "a//b" is no name; use up to 256 bytes in segments divided by single slashes.'],
    [
      'channel: a/x{b}',
      '1:10 The channel "a/x{b}" has braces inside the segment "x{b}"; a parameter is a whole segment, as in rooms/{room}.',
    ],
    [
      'channel: a/{auth}',
      '1:10 The channel "a/{auth}" has the parameter "auth", which means something else in expressions; choose another.',
    ],
    ['channel: "{a}/{a}"', '1:10 The channel "{a}/{a}" has the parameter "a" twice; choose another for one of them.'],
    ['channel: "{__proto__}"', '1:10 '],
    [
      'channel: "rooms/*"',
      '1:10 The channel "rooms/*" has the segment "*"; what may be anything is named in braces, as in {x}.',
    ],
    [
      'channel: rooms/:room',
      '1:10 The channel "rooms/:room" has the segment ":room"; what may be anything is named in braces, as in {room}.',
    ],
    ['history: { count: 0 }', '1:19 `count` must be a whole number from 1 to 10000; it is 0.'],
    ['history: { age: 31d }', '1:17 `age` must be a duration from 1s to 30d; it is "31d".'],
    ['history: 5', '1:10 `history` must be false, or { count, age } such as { count: 100, age: 1h }; it is 5.'],
    ['delivery: always', '1:11 `delivery` must be memory or durable; it is "always".'],
    ['max_bytes: 2mb', '1:12 `max_bytes` must be a size from 1 to 1mb, such as 64kb; it is "2mb".'],
    ['[1]', '1:1 A channel must be an object such as { publish: token, subscribe: true }; it is [1].'],
  ])('%s', (text, wanted) => {
    const issues = issuesOf(text)
    expect(issues.length).toBe(1)
    expect(issues[0]?.startsWith(wanted)).toBe(true)
    expect(declared({ room: text }).table.channels).toEqual([])
  })

  test('two files cannot have one name; the one that has it keeps it', () => {
    const before = declared({ b: 'channel: rooms/{x}' }).table
    const { table, issues } = declared({ a: 'channel: rooms/{y}', b: 'channel: rooms/{x}' }, before)
    expect(table.channels.map(({ file }) => file)).toEqual(['channels/b.yaml'])
    expect(issues.map(({ message }) => message)).toEqual([
      'The channel rooms/{y} is already declared in channels/b.yaml; change one of the two.',
    ])
  })

  test.each([
    ['both good', 'channel: rooms/{x}\nsubscribe: token', 'channel: rooms/{y}\nsubscribe: true'],
    ['the other way round', 'channel: rooms/{x}\nsubscribe: true', 'channel: rooms/{y}\nsubscribe: token'],
    ['one broken', 'channel: rooms/{x}\nsubscribe: tokn', 'channel: rooms/{y}\nsubscribe: true'],
  ])('when none of two files with one name has been served, the channel is refused: %s', (_, a, b) => {
    const { table, issues } = declared({ a, b, other: 'channel: other/{x}\nsubscribe: true' })
    expect(() => table.find('rooms/1')).toThrow(expect.objectContaining({ code: 'unavailable', status: 503 }))
    expect(table.find('other/1').channel.file).toBe('channels/other.yaml')
    const told = issues.filter(({ message }) => message.includes('also declared'))
    expect(told.map(({ position, message }) => [position.file, /in (\S+),/.exec(message)?.[1]])).toEqual([
      ['channels/a.yaml', 'channels/b.yaml'],
      ['channels/b.yaml', 'channels/a.yaml'],
    ])
    // What was closed is no right to the name, and mending one opens it.
    expect(() => declared({ a, b }, table).table.find('rooms/1')).toThrow('same name')
    const mended = declared({ b }, table)
    expect([mended.issues, mended.table.find('rooms/1').channel.file]).toEqual([[], 'channels/b.yaml'])
  })

  test('of two names that fit, the more exact counts', () => {
    const { table } = declared({ a: 'channel: "{x}/b"', b: 'channel: a/{y}', c: 'channel: a/b' })
    expect(table.find('a/b').channel.file).toBe('channels/c.yaml')
    expect(table.find('a/c').channel.file).toBe('channels/b.yaml')
    expect(table.find('x/b').channel.file).toBe('channels/a.yaml')
    expect(() => table.find('x/y')).toThrow('no such channel')
  })

  test("the editors' schema takes what the server takes", () => {
    const validate = new Ajv2020({ strict: false }).compile(channelJsonSchema())
    for (const [value, isGood] of [
      [
        {
          channel: 'a/{b}',
          publish: { roles: ['x'], when: '{{b}}' },
          history: { count: 5, age: '1h' },
          max_bytes: '64kb',
        },
        true,
      ],
      [{}, true],
      [{ publsh: true }, false],
      [{ publish: 'everybody' }, false],
      [{ history: { count: 0 } }, false],
    ] as const) {
      expect([value, validate(value)]).toEqual([value, isGood])
    }
  })
})
