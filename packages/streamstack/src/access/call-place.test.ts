import { expect, test } from 'vitest'
import { TrustedProxies, proxyEntryFault } from './call-place.ts'

const place = (trusted: string[], peer: string, headers: Record<string, string>): unknown => {
  const { host, scheme, address } = new TrustedProxies(trusted).placeOf({
    headers: { host: 'internal:8080', ...headers },
    socket: { remoteAddress: peer },
  })
  return [address, host, scheme]
}

const forwarded = {
  'x-forwarded-for': '6.6.6.6, 203.0.113.9, 10.0.0.2',
  'x-forwarded-host': 'evil.example, api.example.com',
  'x-forwarded-proto': 'https',
}

test.each<[string, string[], string, Record<string, string>, unknown]>([
  ['nobody is trusted', [], '10.0.0.1', forwarded, ['10.0.0.1', 'internal:8080', 'http']],
  ['the peer is not trusted', ['10.0.0.9'], '10.0.0.1', forwarded, ['10.0.0.1', 'internal:8080', 'http']],
  ['a proxy behind a proxy', ['10.0.0.0/8'], '10.0.0.1', forwarded, ['203.0.113.9', 'api.example.com', 'https']],
  ['one proxy', ['10.0.0.1'], '10.0.0.1', forwarded, ['10.0.0.2', 'api.example.com', 'https']],
  [
    'an IPv4 address as IPv6 has it',
    ['10.0.0.0/8'],
    '::ffff:10.0.0.1',
    forwarded,
    ['203.0.113.9', 'api.example.com', 'https'],
  ],
  [
    'IPv6',
    ['fd00::/8'],
    'fd00::1',
    { 'x-forwarded-for': '[2001:db8::7]:4711' },
    ['2001:db8::7', 'internal:8080', 'http'],
  ],
  [
    'an address with a port',
    ['10.0.0.1'],
    '10.0.0.1',
    { 'x-forwarded-for': '203.0.113.9:4711' },
    ['203.0.113.9', 'internal:8080', 'http'],
  ],
  [
    'what is no address',
    ['10.0.0.1'],
    '10.0.0.1',
    { 'x-forwarded-for': '6.6.6.6, unknown' },
    ['10.0.0.1', 'internal:8080', 'http'],
  ],
  ['no headers', ['10.0.0.1'], '10.0.0.1', {}, ['10.0.0.1', 'internal:8080', 'http']],
  [
    'a scheme that is none',
    ['10.0.0.1'],
    '10.0.0.1',
    { 'x-forwarded-proto': 'javascript' },
    ['10.0.0.1', 'internal:8080', 'http'],
  ],
])('%s', (_, trusted, peer, headers, expected) => {
  expect(place(trusted, peer, headers)).toEqual(expected)
})

test('what can be trusted is an address or a network', () => {
  for (const entry of ['10.0.0.5', '10.0.0.0/8', '::1', 'fd00::/8', '0.0.0.0/0'])
    expect(proxyEntryFault(entry)).toBeNull()
  for (const entry of ['proxy.internal', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0/8', '*', '::/129', '/8'])
    expect([entry, proxyEntryFault(entry)]).toEqual([entry, expect.stringContaining('no address')])
})

test.each<[string, string, unknown]>([
  ['one proxy', 'for=203.0.113.9;host=api.example.com;proto=https', ['203.0.113.9', 'api.example.com', 'https']],
  [
    'words in quotes, in any case',
    'FOR="[2001:db8::7]:4711"; Host="api.example.com"',
    ['2001:db8::7', 'api.example.com', 'http'],
  ],
  [
    'what a client has sent before',
    'for=6.6.6.6;host=evil.example;proto=https, for=203.0.113.9',
    ['203.0.113.9', 'internal:8080', 'http'],
  ],
  [
    'a proxy behind a proxy',
    'for=203.0.113.9, for=10.0.0.7;host=api.example.com',
    ['203.0.113.9', 'api.example.com', 'http'],
  ],
  ['a client that is hidden', 'for=6.6.6.6, for=_hidden', ['10.0.0.1', 'internal:8080', 'http']],
  ['a comma in quotes', 'for="6.6.6.6, for=203.0.113.9"', ['10.0.0.1', 'internal:8080', 'http']],
  ['nothing', '', ['10.0.0.1', 'internal:8080', 'http']],
])('Forwarded: %s', (_, forwarded, expected) => {
  const { host, scheme, address } = new TrustedProxies(['10.0.0.0/8'], 'forwarded').placeOf({
    headers: { host: 'internal:8080', forwarded, 'x-forwarded-for': '6.6.6.6', 'x-forwarded-host': 'evil.example' },
    socket: { remoteAddress: '10.0.0.1' },
  })
  expect([address, host, scheme]).toEqual(expected)
})
