import { describe, expect, test } from 'vitest'
import { bearer, channelServer, got } from '@streamstack/test-support/channel-calls'
import { problem } from '@streamstack/test-support/http-client'
import type { TestServer } from '@streamstack/test-support/test-server'

const ROOM = { channel: 'rooms/{room}', publish: true, subscribe: true, presence: true }

/** A member of a room. */
const enters = async (server: TestServer, room: string, sub: string, data = 'null') =>
  server.open(`/v1/channels/rooms/${room}?presence=true&data=${encodeURIComponent(data)}`, {
    headers: await bearer({ sub }),
  })

interface PresenceEvent {
  event: string
  member?: { id: string; subject: string | null; data: unknown }
  members?: { subject: string | null }[]
}

const eventsOf = (contents: readonly unknown[]): string[] =>
  (contents as PresenceEvent[]).map(({ event, member, members }) =>
    member === undefined ? `${event} ${members?.map(({ subject }) => subject).join()}` : `${event} ${member.subject}`,
  )

/** Without grace a member that leaves is gone at once. */
const hasty = { channels: { presence_grace: '0ms' } }

describe('presence', () => {
  test('tells who is there first, then who joins and leaves', async () => {
    await using server = await channelServer({ rooms: ROOM }, hasty)
    const ada = await enters(server, '1', 'ada', '{"color":"red"}')
    const elsewhere = await enters(server, '2', 'mallory')
    const looks = await server.open('/v1/presence/rooms/1?format=ndjson')
    await looks.until('here')
    const bob = await enters(server, '1', 'bob')
    await looks.until('bob')
    ada.leave()
    await looks.until('leave')
    expect(eventsOf(got(looks))).toEqual(['here ada', 'join bob', 'leave ada'])
    const [here, , left] = got(looks) as PresenceEvent[]
    expect(left?.member).toEqual(here?.members?.[0])
    expect(left?.member?.data).toEqual({ color: 'red' })
    expect(looks.text).not.toContain('mallory')
    const now = await server.call('/v1/presence/rooms/1?format=json')
    expect(JSON.parse(now.text)).toEqual({
      members: [{ id: expect.any(String) as string, subject: 'bob', data: null }],
    })
    for (const open of [bob, elsewhere, looks]) open.leave()
  })

  test('has a subject once, however many connections it has, and until the last is gone', async () => {
    await using server = await channelServer({ rooms: ROOM }, hasty)
    const looks = await server.open('/v1/presence/rooms/1?format=ndjson')
    const first = await enters(server, '1', 'ada')
    const second = await enters(server, '1', 'ada')
    first.leave()
    await first.ended
    const bob = await enters(server, '1', 'bob')
    await looks.until('bob')
    second.leave()
    await looks.until('leave')
    expect(eventsOf(got(looks))).toEqual(['here ', 'join ada', 'join bob', 'leave ada'])
    bob.leave()
    looks.leave()
  })

  test('does not report a member that reconnects soon, but its new data', async () => {
    await using server = await channelServer({ rooms: ROOM }, { channels: { presence_grace: '1h' } })
    const looks = await server.open('/v1/presence/rooms/1?format=ndjson')
    const first = await enters(server, '1', 'ada', '{"at":1}')
    first.leave()
    await first.ended
    const again = await enters(server, '1', 'ada', '{"at":2}')
    await looks.until('update')
    expect(eventsOf(got(looks))).toEqual(['here ', 'join ada', 'update ada'])
    again.leave()
    looks.leave()
  })

  test('callers without a token are there each for itself, without a name', async () => {
    await using server = await channelServer({ rooms: ROOM })
    const [one, two] = await Promise.all([1, 2].map(() => server.open('/v1/channels/rooms/1?presence=true')))
    const { members } = JSON.parse((await server.call('/v1/presence/rooms/1?format=json')).text) as PresenceEvent
    expect(members?.map(({ subject }) => subject)).toEqual([null, null])
    one?.leave()
    two?.leave()
  })

  test('a caller that may not look is refused and sees no member; one that may not be seen cannot enter', async () => {
    await using server = await channelServer({ rooms: { ...ROOM, presence: { roles: ['staff'] } } })
    const staff = await bearer({ sub: 'sue', roles: ['staff'] })
    const inside = await server.open('/v1/channels/rooms/1?presence=true', { headers: staff })
    const ada = await bearer({ sub: 'ada' })
    for (const [path, headers, status] of [
      ['/v1/presence/rooms/1', {}, 401],
      ['/v1/presence/rooms/1?format=json', ada, 403],
      ['/v1/channels/rooms/1?presence=true', ada, 403],
      ['/v1/channels/rooms/1?presence=true', {}, 401],
    ] as const) {
      const answer = await server.call(path, { headers })
      expect([path, answer.status]).toEqual([path, status])
      expect(answer.text).not.toContain('sue')
    }
    expect((await server.call('/v1/presence/rooms/1?format=json', { headers: staff })).text).toContain('sue')
    inside.leave()
  })

  test.each(['{', JSON.stringify('x'.repeat(5_000)), '{"id":9007199254740993}'])(
    'refuses the data %.20s',
    async (data) => {
      await using server = await channelServer({ rooms: ROOM })
      const answer = await server.call(`/v1/channels/rooms/1?presence=true&data=${encodeURIComponent(data)}`)
      expect([answer.status, problem(answer)['code']]).toEqual([400, 'input_invalid'])
    },
  )
})
