import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/tls/${name}.pem`, import.meta.url))

const BODY = Buffer.alloc(50_000_000, 0x20)
const TYPE = { 'Content-Type': 'application/json' }

const saving = (server: object = {}): Promise<TestServer> =>
  testServer({
    'streamstack.yaml': { server },
    'endpoints/save.json': endpoint('/save', [send('{{note}}')], { method: 'POST', inputs: { note: 'text' } }),
  })

/** Sends the whole body, whatever comes back meanwhile. */
async function withNode(server: TestServer, headers: object, ca?: Buffer): Promise<number> {
  const outgoing = (ca === undefined ? httpRequest : httpsRequest)(`${server.url}/save`, {
    method: 'POST',
    headers: { ...TYPE, ...headers },
    agent: false,
    ca,
  })
  // The server may close before the body is complete.
  const answered = new Promise<number>((resolve, reject) => {
    outgoing.on('response', (response) => resolve(response.resume().statusCode ?? 0)).on('error', reject)
  })
  outgoing.end(BODY)
  return answered
}

/** The status of an answer that is read only after the whole body was sent, or sending failed. */
async function withSocket(server: TestServer, framing: string, last: string): Promise<string> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.pause()
  socket.on('error', () => undefined)
  socket.write(`POST /save HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`)
  socket.write(BODY)
  await new Promise<void>((resolve) => {
    socket.write(last, () => resolve())
    socket.on('close', () => resolve())
  })
  socket.on('data', (data) => (answer += data.toString())).resume()
  if (!socket.destroyed) await once(socket, 'close')
  return answer.split(' ', 2)[1] ?? ''
}

describe('a client that sends 50 MB gets the refusal of its body, not a reset', () => {
  test('by fetch', async () => {
    await using server = await saving()
    const answer = await fetch(`${server.url}/save`, { method: 'POST', headers: TYPE, body: BODY })
    expect([answer.status, await answer.json()]).toMatchObject([413, { code: 'body_too_large' }])
  })

  test.each<[string, object]>([
    ['with a length', { 'Content-Length': BODY.length }],
    ['in chunks', { 'Transfer-Encoding': 'chunked' }],
  ])('by node:http, %s', async (_, headers) => {
    await using server = await saving()
    expect(await withNode(server, headers)).toBe(413)
  })

  test('by node:https', async () => {
    await using server = await saving({ tls: { cert: fixture('cert'), key: fixture('key') } })
    expect(await withNode(server, { 'Content-Length': BODY.length }, await readFile(fixture('cert')))).toBe(413)
  })

  test.each<[string, string, string]>([
    ['with a length', `Content-Length: ${BODY.length}`, ''],
    ['in one chunk', `Transfer-Encoding: chunked\r\n\r\n${BODY.length.toString(16)}`, '\r\n0\r\n\r\n'],
  ])('over a socket that reads nothing before it has sent all, %s', async (_, framing, last) => {
    await using server = await saving()
    expect(await withSocket(server, framing, last)).toBe('413')
  })
})

test('a request behind a body that is too large is not answered', async () => {
  await using server = await saving()
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname).on('error', () => undefined)
  let answers = ''
  socket.on('data', (data) => (answers += data.toString()))
  const body = 'x'.repeat(2_000_000)
  const head = `Host: ${hostname}\r\n`
  socket.write(`POST /save HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`)
  socket.write(`${body}GET /healthz HTTP/1.1\r\n${head}\r\n`)
  await once(socket, 'close')
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413'])
})

describe('a body in chunks of one character', () => {
  const note = 'n'.repeat(15_000)
  const chunked = (text: string): string => `${Array.from(text, (one) => `1\r\n${one}\r\n`).join('')}0\r\n\r\n`
  const head = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`
  const body = chunked(JSON.stringify({ note }))

  /** What the server answers until it closes the connection or the text has come. */
  async function answered(server: TestServer, sent: string, until: string): Promise<string> {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    let answer = ''
    await new Promise<void>((resolve) => {
      socket.on('error', () => undefined).on('close', () => resolve())
      socket.on('data', (data) => {
        answer += data.toString()
        if (answer.includes(until)) socket.destroy()
      })
      socket.write(sent)
    })
    return answer
  }

  test('arrives whole, from several connections at once', async () => {
    await using server = await saving()
    const answers = await Promise.all([1, 2, 3].map(() => answered(server, head('/save') + body, note)))
    for (const answer of answers) expect(answer).toContain(note)
  })

  test('is dropped behind a refusal, and the connection serves the next request', async () => {
    await using server = await saving()
    const sent = `${head('/nowhere')}${body}${head('/save')}${chunked('{"note":"the next"}')}`
    const answer = await answered(server, sent, 'the next')
    expect(answer).toMatch(/^HTTP\/1\.1 404 [^]*HTTP\/1\.1 200 [^]*the next/)
  })
})
