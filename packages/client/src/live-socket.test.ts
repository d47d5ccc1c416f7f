import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LiveSocket } from './live-socket.ts'
import { Transport } from './transport.ts'

/** A WebSocket that nothing answers. */
class SilentSocket extends EventTarget {
  readonly readyState = 0
  close(): void {}
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', SilentSocket)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test.each([
  [3_000, 3_000],
  [45_000, 10_000],
  [0, 10_000],
])('with silenceMsMax %i a handshake may take %i ms', async (silenceMsMax, handshakeMs) => {
  const socket = new LiveSocket(new Transport({ url: 'http://127.0.0.1:1' }), silenceMsMax)
  const fail = vi.fn()
  socket.join({ ask: () => ({ type: 'subscribe', channel: 'c' }), take: () => undefined, fail }, 0)
  await vi.advanceTimersByTimeAsync(handshakeMs - 1)
  expect(fail).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(2)
  expect(fail).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'connection_lost' }))
})
