import { StreamstackError } from '@streamstack/protocol'

/** Every stream has its URL under this. */
export const STREAM_ROOT = '/v1/stream/'

/** Names under this are the protocol's own: subscriptions and keys. */
export const RESERVED_ROOT = '__ds/'

const NAME_BYTES_MAX = 512
const HAS_CONTROL = /\p{Cc}/u

/**
 * The name of the stream that a path leads to: what follows the root, decoded; its parts are divided by slashes. Throws `stream_unknown`
 * for paths that can be no stream's.
 */
export function streamName(path: string): string {
  const raw = path.slice(STREAM_ROOT.length)
  const name = raw.includes('%') ? decoded(raw) : raw
  if (path.startsWith(STREAM_ROOT) && name !== null && isStreamName(name)) return name
  throw new StreamstackError(
    'stream_unknown',
    `No stream can have this name. Use up to ${NAME_BYTES_MAX} bytes in parts divided by single slashes.`,
  )
}

/** The name of the stream that a path alone leads to, without a query and not one of the protocol's own. Throws `stream_unknown`. */
export function nameAt(path: string): string {
  const name = streamName(path)
  if (!/[?#]/.test(path) && !name.startsWith(RESERVED_ROOT)) return name
  throw new StreamstackError(
    'stream_unknown',
    'No stream is read by this path. Give that of its URL alone, as /v1/stream/<name>, and its offset as `after`.',
  )
}

/** Whether a client may create a stream of this name. Names of the server's own streams begin with a control character, so no client can name them. */
export function isStreamName(name: string): boolean {
  return (
    Buffer.byteLength(name) <= NAME_BYTES_MAX &&
    !HAS_CONTROL.test(name) &&
    name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  )
}

function decoded(raw: string): string | null {
  try {
    return decodeURIComponent(raw)
  } catch {
    return null
  }
}
