import { expectTypeOf, test } from 'vitest'
import { type ChannelStream, type Chunk, type PresenceEvent, type RunStream, createClient } from './index.ts'

interface Endpoints {
  'POST /chat': { inputs: { message: string; speed?: number | null }; content: string; metadata: { n: number } }
  'GET /poem': { inputs: {} }
}

const client = createClient<Endpoints>({ url: '', fetch: () => Promise.reject(new Error('no network here')) })

test('declared endpoints are called with their inputs, and give their chunks', () => {
  const call = () => client.call('POST /chat', { message: 'Hi' })
  expectTypeOf(call).returns.toEqualTypeOf<RunStream<string, { n: number }>>()
  expectTypeOf<ReturnType<typeof call>>().toExtend<AsyncIterable<Chunk<string, { n: number }>>>()
  expectTypeOf(() => client.call('GET /poem')).returns.toEqualTypeOf<RunStream>()
  // @ts-expect-error there is no such endpoint
  expectTypeOf(() => client.call('POST /chats', { message: 'Hi' })).toBeFunction()
  // @ts-expect-error the message is missing
  expectTypeOf(() => client.call('POST /chat', {})).toBeFunction()
  // @ts-expect-error the message is missing, with all other inputs
  expectTypeOf(() => client.call('POST /chat')).toBeFunction()
  // @ts-expect-error text is no number
  expectTypeOf(() => client.call('POST /chat', { message: 'Hi', speed: 'fast' })).toBeFunction()
})

test('without types anything may be called', () => {
  const untyped = createClient({ url: '' })
  expectTypeOf(() => untyped.call('GET /any', { a: [1] })).returns.toEqualTypeOf<RunStream>()
  expectTypeOf(() => untyped.call('GET /any')).returns.toEqualTypeOf<RunStream>()
  expectTypeOf(() => untyped.read<string>('/v1/stream/runs/x')).returns.toEqualTypeOf<RunStream<string>>()
})

test('a channel holds what its user says', () => {
  const room = client.channel<{ text: string }, { from: string }>('rooms/7')
  expectTypeOf(() => room.subscribe()).returns.toEqualTypeOf<ChannelStream<{ text: string }, { from: string }>>()
  expectTypeOf<ReturnType<typeof room.subscribe>>().toExtend<AsyncIterable<Chunk<{ text: string }, { from: string }>>>()
  expectTypeOf(() => room.presence()).returns.toEqualTypeOf<ChannelStream<PresenceEvent>>()
  expectTypeOf(() => room.publish({ text: 'Hi' }, { metadata: { from: 'Ada' } })).returns.resolves.toEqualTypeOf<{
    offset: number
  }>()
  // @ts-expect-error the content has no text
  expectTypeOf(() => room.publish({ words: 'Hi' })).toBeFunction()
  // @ts-expect-error only runs can be cancelled
  expectTypeOf(() => room.subscribe().cancel()).toBeFunction()
})
