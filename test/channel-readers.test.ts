import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bearer, channelServer, publish } from '@streamstack/test-support/channel-calls'
import { type OpenCall, ndjsonLines } from '@streamstack/test-support/http-client'
import type { TestServer } from '@streamstack/test-support/test-server'

const USERS = ['ada', 'bob', 'nobody'] as const
type User = (typeof USERS)[number]

let server: TestServer
let headers: Readonly<Record<User, Readonly<Record<string, string>>>>
let rooms = 0

const room = {
  publish: true,
  subscribe: true,
  history: { count: 1_000 },
  deliver: '{{message.to}} === null || {{message.to}} === {{auth?.sub}}',
}

beforeAll(async () => {
  server = await channelServer({
    memory: { channel: 'memory/{room}', ...room },
    durable: { channel: 'durable/{room}', ...room, delivery: 'durable' },
  })
  headers = { ada: await bearer({ sub: 'ada' }), bob: await bearer({ sub: 'bob' }), nobody: {} }
})
afterAll(() => server[Symbol.asyncDispose]())

interface Got {
  readonly offset: number
  readonly content: { readonly n: number; readonly to: User | null }
}

/** A subscriber that may leave and come back after the last that it got. */
class Subscriber {
  readonly user: User
  readonly #name: string
  readonly #before: Got[] = []
  #open: OpenCall | null = null

  constructor(name: string, user: User) {
    this.#name = name
    this.user = user
  }

  get got(): readonly Got[] {
    if (this.#open === null) return this.#before
    const whole = this.#open.text.slice(0, this.#open.text.lastIndexOf('\n') + 1)
    return [...this.#before, ...(ndjsonLines(whole) as unknown as Got[])]
  }

  async come(): Promise<void> {
    if (this.#open !== null) return
    const last = this.#before.at(-1)?.offset
    const after = last === undefined ? '' : `&offset=${last}`
    this.#open = await server.open(`/v1/channels/${this.#name}?format=ndjson${after}`, { headers: headers[this.user] })
    expect(this.#open.status).toBe(200)
  }

  leave(): void {
    const got = this.got
    this.#open?.leave()
    this.#open = null
    this.#before.splice(0, this.#before.length, ...got)
  }

  async until(n: number): Promise<void> {
    await this.come()
    await this.#open?.until(`"n":${n},`)
  }
}

const moves = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('publish' as const),
      to: fc.constantFrom(...USERS, null),
      count: fc.integer({ min: 1, max: 5 }),
    }),
    fc.record({ kind: fc.constantFrom('come' as const, 'leave' as const), who: fc.nat(5) }),
    fc.record({ kind: fc.constant('pause' as const) }),
  ),
  { maxLength: 25 },
)

test.each(['memory', 'durable'])(
  '%s: a reader that disconnects and reconnects sees each message that it may see once, in order',
  async (kind) => {
    await fc.assert(
      fc.asyncProperty(moves, async (steps) => {
        const name = `${kind}/${++rooms}`
        const subscribers = [...USERS, ...USERS].map((user) => new Subscriber(name, user))
        const published: { n: number; to: User | null }[] = []
        const waiting: Promise<unknown>[] = []
        const say = async (to: User | null): Promise<void> => {
          const message = { n: published.length, to }
          published.push(message)
          await publish(server, name, message)
        }
        for (const step of steps) {
          // Publishing goes on beside coming and going, one message after another.
          if (step.kind === 'publish') {
            const before = waiting.at(-1)
            waiting.push(
              (async () => {
                await before
                for (let i = 0; i < step.count; i++) await say(step.to)
              })(),
            )
          } else if (step.kind === 'pause') await new Promise((resolve) => setImmediate(resolve))
          else if (step.kind === 'come') await subscribers[step.who]?.come()
          else subscribers[step.who]?.leave()
        }
        await Promise.all(waiting)
        await say(null)
        await Promise.all(subscribers.map((one) => one.until(published.length - 1)))
        for (const one of subscribers) {
          const wanted = published.filter(({ to }) => to === null || (to === one.user && to !== 'nobody'))
          expect(one.got.map(({ content }) => content)).toEqual(wanted)
          const offsets = one.got.map(({ offset }) => offset)
          expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b))
          one.leave()
        }
      }),
      { numRuns: 15 },
    )
  },
)
