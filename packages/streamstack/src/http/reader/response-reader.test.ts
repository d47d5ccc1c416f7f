import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { call } from '@streamstack/test-support/http-client'
import { encoderFor } from '../../format/index.ts'
import { MemoryLog, Stream, type StreamSource } from '../../stream/index.ts'
import { Heartbeat } from './heartbeat.ts'
import { ResponseReader } from './response-reader.ts'

const ignore = (): void => {}

describe('a message that cannot be shown', () => {
  /** A source whose second batch breaks what reads it, now or later. */
  const brokenSource = (isLate: boolean): StreamSource => {
    const log = new MemoryLog(65_536)
    const stream = new Stream({ log, whenUnread: 'drop', unreadBytesMax: Infinity })
    void stream.append({ kind: 'text', data: 'first', metadata: null })
    if (isLate) {
      const read = stream.read.bind(stream)
      stream.read = (after) => Promise.resolve(read(after) as Exclude<ReturnType<typeof read>, Promise<unknown>>)
    }
    return {
      stream,
      url: '/x',
      run: null,
      contentType: undefined,
      responseHeaders: new Map(),
      failure: null,
      select: () => {
        throw new SyntaxError('a secret of the message')
      },
      attach: (reader) => stream.attach(reader),
      detach: (reader) => stream.detach(reader),
      answerBegan: () => undefined,
    }
  }

  test.each([false, true])('breaks its reader off, and nothing else (read late: %s)', async (isLate) => {
    const heartbeat = new Heartbeat(60_000)
    const server = createServer((_request, response) => {
      const encoder = encoderFor({ run: null }, 'sse', { metadata: false })
      const headers = { 'Content-Type': 'text/event-stream' }
      const source = brokenSource(isLate)
      const engine = { hidesDetails: true, log: { debug: ignore, info: ignore, warn: ignore, error: ignore } }
      new ResponseReader({ engine, source, response, encoder, position: 0, headers, heartbeat, record: null }).begin()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { text, ending } = await call(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, '/')
    server.close()
    expect(text).toContain('"code":"internal"')
    expect(text).not.toContain('secret')
    expect(text).not.toContain('event: end')
    expect(ending).toBe('broken')
  })
})
