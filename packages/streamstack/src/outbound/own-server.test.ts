import { createServer } from 'node:http'
import { expect, test } from 'vitest'
import { createOutbound } from './index.ts'

const signal = AbortSignal.timeout(5_000)

async function withServer(use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => response.end(request.url))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : null
  try {
    await use(`http://127.0.0.1:${port}`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test('with `self` a path leads to this server, and the port next to it stays closed', async () => {
  await withServer(async (ownUrl) => {
    const outbound = createOutbound({ allow: ['self'], firstByteTimeoutMs: 2_000, ownUrl })
    expect((await outbound.request({ url: '/api/a?b=1', signal })).body).toBe('/api/a?b=1')
    await withServer(async (other) => {
      await expect(outbound.request({ url: `${other}/x`, signal })).rejects.toMatchObject({ code: 'upstream_refused' })
    })
    await outbound.close()
  })
})

test('an address to listen on that is none to call is called on this machine', async () => {
  await withServer(async (url) => {
    const outbound = createOutbound({
      allow: ['self'],
      firstByteTimeoutMs: 2_000,
      ownUrl: url.replace('127.0.0.1', '0.0.0.0'),
    })
    expect((await outbound.request({ url: '/x', signal })).body).toBe('/x')
    await outbound.close()
  })
})

test('without `self` a path is refused with the cure, and so is one where no server runs', async () => {
  const closed = createOutbound({ allow: [], firstByteTimeoutMs: 2_000, ownUrl: 'http://127.0.0.1:9' })
  await expect(closed.request({ url: '/x', signal })).rejects.toMatchObject({
    code: 'step_failed',
    message: expect.stringContaining('`self`'),
  })
  const nowhere = createOutbound({ allow: ['self'], firstByteTimeoutMs: 2_000, ownUrl: null })
  await expect(nowhere.request({ url: '/x', signal })).rejects.toMatchObject({ code: 'upstream_refused' })
})
