import { describe, expect, test } from 'vitest'
import { corsHeaders, corsOriginFault, isOriginAllowed, isPreflight } from './index.ts'
import type { CorsRequest, CorsSettings } from './index.ts'

const call: CorsRequest = {
  origin: 'https://app.example.com',
  method: 'POST',
  requestMethod: undefined,
  requestHeaders: undefined,
  privateNetwork: undefined,
}
const question: CorsRequest = { ...call, method: 'OPTIONS', requestMethod: 'POST' }

function settings(origins: readonly string[], credentials = false): CorsSettings {
  return { origins, credentials, maxAgeSeconds: 600 }
}

describe('which origins may call', () => {
  test.each([
    ['https://app.example.com', 'https://app.example.com'],
    ['https://App.Example.com', 'https://app.example.com'],
    ['https://*.weweb.app', 'https://a.weweb.app'],
    ['https://*.weweb.app', 'https://a-1.b.weweb.app'],
    ['http://localhost:*', 'http://localhost:5173'],
    ['http://localhost:*', 'http://localhost'],
    ['http://[::1]:*', 'http://[::1]:3000'],
    ['https://*.example.com:8443', 'https://x.example.com:8443'],
    ['*', 'https://anything.example'],
    ['*', 'null'],
    ['null', 'null'],
  ])('%s lets %s in', (entry, origin) => {
    expect(isOriginAllowed(settings(['https://other.example', entry]), origin)).toBe(true)
  })

  test.each([
    ['https://app.example.com', 'http://app.example.com'],
    ['https://app.example.com', 'https://app.example.com:8443'],
    ['https://app.example.com', 'https://app.example.com.evil.example'],
    ['https://app.example.com', 'https://xapp.example.com'],
    ['https://*.weweb.app', 'https://weweb.app'],
    ['https://*.weweb.app', 'https://.weweb.app'],
    ['https://*.weweb.app', 'https://evilweweb.app'],
    ['https://*.weweb.app', 'https://a.weweb.app.evil.example'],
    ['https://*.weweb.app', 'https://evil.example/.weweb.app'],
    ['https://*.weweb.app', 'https://evil.example#.weweb.app'],
    ['https://*.weweb.app', 'https://evil.example:1@a.weweb.app'],
    ['https://*.weweb.app', 'http://a.weweb.app'],
    ['https://*.weweb.app', 'https://a.weweb.app:444'],
    ['http://localhost:*', 'http://localhost.evil.example:80'],
    ['http://localhost:*', 'http://localhost:80.evil.example'],
    ['https://app.example.com', 'null'],
    ['https://*.weweb.app', 'null'],
    ['https://app.example.com', ''],
  ])('%s keeps %s out', (entry, origin) => {
    expect(isOriginAllowed(settings([entry]), origin)).toBe(false)
    expect(corsHeaders(settings([entry]), { ...call, origin })).toEqual({ Vary: 'Origin' })
  })
})

describe('the headers of an answer', () => {
  test('a star without cookies answers all alike', () => {
    const headers = corsHeaders(settings(['*']), call)
    expect(headers).toMatchObject({ 'Access-Control-Allow-Origin': '*' })
    expect(headers).not.toHaveProperty('Vary')
    expect(headers).not.toHaveProperty('Access-Control-Allow-Credentials')
    const exposed = headers?.['Access-Control-Expose-Headers']?.split(', ')
    expect(exposed).toEqual(
      expect.arrayContaining(['Stream-Run', 'Stream-Url', 'Retry-After', 'Stream-Next-Offset', '*']),
    )
  })

  test('with cookies the origin is named, never a star, and caches are told', () => {
    for (const origins of [['*'], ['https://app.example.com'], ['https://*.example.com']]) {
      const headers = corsHeaders(settings(origins, true), call)
      expect(headers).toMatchObject({
        'Access-Control-Allow-Origin': 'https://app.example.com',
        'Access-Control-Allow-Credentials': 'true',
        Vary: 'Origin',
      })
      expect(headers?.['Access-Control-Expose-Headers']?.split(', ')).not.toContain('*')
    }
  })

  test('a sandboxed frame gets no cookies through a star', () => {
    expect(corsHeaders(settings(['*'], true), { ...call, origin: 'null' })).toEqual({ Vary: 'Origin' })
    expect(corsHeaders(settings(['null'], true), { ...call, origin: 'null' })).toMatchObject({
      'Access-Control-Allow-Origin': 'null',
    })
  })

  test('a call without origin gets only what caches need, and no list means no CORS', () => {
    expect(corsHeaders(settings(['https://app.example.com']), { ...call, origin: undefined })).toEqual({
      Vary: 'Origin',
    })
    expect(corsHeaders(settings([]), call)).toBeNull()
  })
})

describe('a preflight', () => {
  test('is an OPTIONS with an origin and a method that is asked for', () => {
    expect(isPreflight(question)).toBe(true)
    expect(isPreflight({ ...question, origin: undefined })).toBe(false)
    expect(isPreflight({ ...question, requestMethod: undefined })).toBe(false)
    expect(isPreflight({ ...question, method: 'POST' })).toBe(false)
  })

  test('is told methods, headers with those it asks for, and how long that holds', () => {
    const headers = corsHeaders(settings(['https://app.example.com']), {
      ...question,
      requestHeaders: 'authorization, x-trace-id,X-Trace-Id, bad name, x\r\ny:z, ',
    })
    expect(headers).toMatchObject({ 'Access-Control-Allow-Origin': call.origin, 'Access-Control-Max-Age': '600' })
    expect(headers?.['Access-Control-Allow-Methods']?.split(', ')).toEqual(expect.arrayContaining(['PATCH', 'DELETE']))
    const allowed = headers?.['Access-Control-Allow-Headers'] ?? ''
    for (const name of [
      'Authorization',
      'Content-Type',
      'Last-Event-ID',
      'Idempotency-Key',
      'X-Branch',
      'X-Data-Source',
    ]) {
      expect(allowed.split(', ')).toContain(name)
    }
    expect(allowed.match(/x-trace-id/gi)).toHaveLength(1)
    expect(allowed.match(/authorization/gi)).toHaveLength(1)
    expect(allowed).not.toMatch(/bad name|[\r\n]/)
    expect(headers?.['Vary']).toBe('Origin, Access-Control-Request-Method, Access-Control-Request-Headers')
  })

  test('from a public page to a private network is granted to allowed origins alone', () => {
    const asked = { ...question, privateNetwork: 'true' }
    expect(corsHeaders(settings(['*']), asked)).toHaveProperty('Access-Control-Allow-Private-Network', 'true')
    expect(corsHeaders(settings(['*']), question)).not.toHaveProperty('Access-Control-Allow-Private-Network')
    const refused = corsHeaders(settings(['https://other.example']), asked)
    expect(Object.keys(refused ?? {})).toEqual(['Vary'])
  })
})

describe('entries of the settings', () => {
  test.each(['*', 'null', 'https://a.example', 'http://localhost:*', 'https://*.a.example:8443', 'http://[::1]:8000'])(
    '%s can be used',
    (entry) => expect(corsOriginFault(entry)).toBeNull(),
  )

  test.each([
    ['https://a.example/', /no path/],
    ['https://a.example/app', /no path/],
    ['a.example', /not an origin/],
    ['ftp://a.example', /not an origin/],
    ['https://*', /not an origin/],
    ['https://a.*.example', /not an origin/],
    ['https://*.com', /whole domain/],
    ['https://a.example:443', /leave it out/],
    ['', /not an origin/],
  ])('%s cannot, and the message tells the cure', (entry, message) => {
    expect(corsOriginFault(entry)).toMatch(message)
    expect(corsOriginFault(entry)).toMatch(/https:\/\/app\.example\.com/)
  })
})
