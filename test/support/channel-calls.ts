import { SignJWT } from 'jose'
import { type Answer, type OpenCall, ndjsonLines } from './http-client.ts'
import { type TestServer, testServer } from './test-server.ts'

/** Of the tokens that `channelServer` checks. */
export const SECRET = 'a-secret-for-tests-that-is-long-enough'

/** The time that the server gives each message. */
export const SENT_AT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** Serves channels, by file name, with tokens that it checks. Files that change are read again. */
export function channelServer(
  channels: Readonly<Record<string, unknown>>,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<TestServer> {
  const files = Object.entries(channels).map(([name, channel]) => [`channels/${name}.yaml`, channel])
  return testServer(
    {
      ...Object.fromEntries(files),
      'endpoints/none.json': {
        endpoint_settings: { method: 'GET', path: '/none' },
        function_stack: [{ function: 'Stop' }],
      },
      'streamstack.yaml': { log: { level: 'silent' }, auth: { jwt: { secret: SECRET } }, ...settings },
    },
    { watch: true },
  )
}

/** The header of a caller with these claims. `expires`: seconds since 1970, or a span of time. */
export async function bearer(
  claims: Readonly<Record<string, unknown>>,
  expires: string | number = '5m',
): Promise<{ Authorization: string }> {
  return { Authorization: `Bearer ${await rawToken(claims, expires)}` }
}

export function rawToken(claims: Readonly<Record<string, unknown>>, expires: string | number = '5m'): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(SECRET))
}

/** Publishes, and gives the offset. */
export async function publish(
  server: TestServer,
  name: string,
  content: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const answer = await server.call(`/v1/channels/${name}`, { body: { content }, headers })
  if (answer.status !== 201) throw new Error(`${answer.status} ${answer.text}`)
  return (JSON.parse(answer.text) as { offset: number }).offset
}

export interface Held {
  readonly offset: number
  readonly content: unknown
  readonly metadata: unknown
}

/** What a channel holds for a new reader. */
export async function held(
  server: TestServer,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Held[]> {
  const answer = await server.call(`${path}${path.includes('?') ? '&' : '?'}format=json`, { headers })
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`)
  return (JSON.parse(answer.text) as { chunks: Held[] }).chunks
}

/** Contents that a reader in `ndjson` has got so far, whole lines only. */
export function got(open: OpenCall | Answer): unknown[] {
  const whole = open.text.slice(0, open.text.lastIndexOf('\n') + 1)
  return ndjsonLines(whole).flatMap((line) => (line.type === 'chunk' ? [line.content] : []))
}
