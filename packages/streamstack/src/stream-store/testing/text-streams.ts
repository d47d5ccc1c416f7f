import type { AppendRequest } from '../append-rules.ts'
import type { CreateRequest } from '../create-rules.ts'
import type { LiveStream } from '../live-stream.ts'
import type { StreamStore } from '../stream-store.ts'

const READ_BYTES = 1_000_000

/** A request to make a stream of text, but for what is given. */
export function createText(more: Partial<CreateRequest> = {}): CreateRequest {
  return { contentType: 'text/plain', ttlSeconds: null, expiresAt: null, data: null, close: false, fork: null, ...more }
}

/** A request to append text, but for what is given. */
export function appendText(text: string | null, more: Partial<AppendRequest> = {}): AppendRequest {
  const data = text === null ? null : Buffer.from(text)
  return { contentType: 'text/plain', data, close: false, producer: null, sequence: null, ...more }
}

/** All that a stream holds after a position, read in pages of `bytesMax`. */
export async function textAfter(
  store: StreamStore,
  stream: LiveStream,
  after = 0,
  bytesMax = READ_BYTES,
): Promise<string> {
  let text = ''
  for (let at = after; ;) {
    const page = await store.read(stream, at, bytesMax)
    if (page.bytes === 0) return text
    text += Buffer.concat(page.parts).toString()
    at = page.last
  }
}
