import type { Value } from '@streamstack/protocol'
import { expect, test } from 'vitest'
import { fromValue, good, messages, send } from './fixtures/normalize.ts'
import { toCanonical } from './index.ts'

const withSettings = (settings: Value): Value => ({ endpoint_settings: settings, function_stack: [send] })

test('limits, access and leaving are read with their units', () => {
  const endpoint = good(
    withSettings({
      method: 'PUT',
      path: '/a',
      limits: { max_duration: '1.5m', max_bytes: '10mb' },
      max_chunks: 5,
      authentication: { type: 'jwt', roles: ['admin', 'content editor'] },
      scopes: 'read write',
      on_disconnect: 'cancel',
      disconnect_grace: '500ms',
      tags: ['x'],
    }),
  )
  expect(endpoint).toMatchObject({
    method: 'PUT',
    limits: { maxDurationMs: 90_000, maxBytes: 10_485_760, maxChunks: 5, maxIterations: null },
    access: { authentication: true, roles: ['admin', 'content editor'], scopes: ['read', 'write'] },
    onDisconnect: 'cancel',
    disconnectGraceMs: 500,
  })
  expect(toCanonical(good(toCanonical(endpoint)))).toEqual(toCanonical(endpoint))
})

test.each<[Value, boolean]>([
  [true, true],
  [false, false],
  ['JWT token required', true],
  ['required', true],
  ['none', false],
  ['not required', false],
  [{ type: 'jwt' }, true],
  [{ required: false }, false],
])('authentication %j', (authentication, expected) => {
  expect(good(withSettings({ authentication })).access.authentication).toBe(expected)
})

test.each<[Value, string]>([
  [{ metod: 'GET' }, '`endpoint_settings` has no `metod`. Did you mean `method`?'],
  [
    { cors: true },
    '`endpoint_settings` has no `cors`. CORS holds for the whole server: set `server.cors` in streamstack.yaml.',
  ],
  [{ method: 'FETCH' }, 'The method must be one of GET, POST, PUT, PATCH, DELETE; it is "FETCH".'],
  [{ path: '“/a”' }, 'The path "“/a”" holds typographic quotes; write " or \', or no quotes.'],
  [{ path: '/a?b=1' }, 'The path "/a?b=1" cannot hold a query; declare its parameters under `input_parameters`.'],
  [{ path: '/a/:x/:x' }, 'The path "/a/:x/:x" has the parameter :x twice; rename one.'],
  [{ path: '/v1/runs/x' }, 'The path "/v1/runs/x" is the server\'s own (/v1/runs); choose another.'],
  [{ path: '/a/../b' }, 'The path "/a/../b" cannot hold the segments . and ..'],
  [
    { response_type: 'json' },
    '`response_type` must be "streaming" or "standard"; it is "json". A caller that cannot stream asks for ?format=json.',
  ],
  [{ max_duration: '5 moons' }, '`max_duration` must be a duration such as "500ms", "30s" or "5m"; it is "5 moons".'],
  [{ max_chunks: 0 }, '`max_chunks` must be a whole number of at least 1; it is 0.'],
  [{ on_disconnect: 'stop' }, '`on_disconnect` must be "continue" or "cancel"; it is "stop".'],
  [
    { authentication: 'optional' },
    '`authentication` must be true, false or { "type": "jwt", "roles": […] }; it is "optional".',
  ],
  [
    { authentication: 'no token required, or maybe' },
    '`authentication` must be true, false or { "type": "jwt", "roles": […] }; it is "no token required, or maybe".',
  ],
  [
    { authentication: false, roles: ['a'] },
    '`authentication` is false, but roles or scopes are asked for; remove one of them.',
  ],
  [
    { headers: { 'X-A': 'a\r\nSet-Cookie: b' } },
    'The header X-A must not hold line breaks; they would end the header.',
  ],
  [{ headers: { 'X-A\r\nB': 'a' } }, '"X-A\\r\\nB" is no header name; use letters, digits and hyphens.'],
  [{ headers: { 'X-A': 'a\0' } }, 'The header X-A must not hold line breaks; they would end the header.'],
  [{ headers: { a: '1', A: '2' } }, 'The header A stands here twice (case does not count); remove one.'],
  [
    { headers: { 'Content-Type': 'text/html; charset=ISO-8859-1' } },
    'The Content-Type names another charset than UTF-8, which all answers are written in; leave it out.',
  ],
  [
    { headers: { 'X-A': '{{x}}' } },
    'The header X-A cannot hold an expression here; use the function Set Response Header.',
  ],
])('%j is refused with its cure', (settings, message) => {
  expect(messages(withSettings(settings))).toContain(message)
  expect(fromValue(withSettings(settings)).endpoint).toBeNull()
})

test('headers that the server governs are left out with a warning', () => {
  const { endpoint, issues } = fromValue(
    withSettings({
      headers: { Connection: 'close', 'Transfer-Encoding': 'chunked', 'content-length': 5, 'X-Kept': 1 },
    }),
  )
  expect(endpoint?.headers).toEqual({ 'X-Kept': '1' })
  expect(issues.map((issue) => issue.severity)).toEqual(['warning', 'warning', 'warning'])
})
