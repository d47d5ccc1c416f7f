import { createHash } from 'node:crypto'
import type { Transform } from 'node:stream'
import { createParser } from 'eventsource-parser'
import type { ProbeSeen } from '../http/index.ts'
import { contentDecoders } from '../coding/index.ts'
import type { Call, Exchange, Head } from './exchange.ts'

/** A tick of the server, on both clocks; only differences between ticks mean anything. */
export interface Tick {
  /** Milliseconds from the start of the answer, by the server's clock. */
  readonly sentMs: number
  /** Milliseconds from the start of the call, by ours. */
  readonly arrivedMs: number
}

/** What came at once. */
export interface Piece {
  readonly bytes: number
  /** Milliseconds from the start of the call. */
  readonly atMs: number
}

/** What a probe brought. */
export interface Reading {
  readonly exchange: Exchange
  /** Null: the answer was none of ours. */
  readonly seen: ProbeSeen | null
  readonly ticks: readonly Tick[]
  /** Of the body, its coding taken off. */
  readonly pieces: readonly Piece[]
  /** When the last byte came. */
  readonly lastByteMs: number
  /** Whether the server's last event came. */
  readonly isWhole: boolean
  /** Whether the bytes were those that the server sent; null: they did not come to their end. */
  readonly isSame: boolean | null
  readonly contentEncoding: string
  /** The beginning of the body, for answers that are not ours. */
  readonly text: string
}

/** Larger than any probe with its heartbeats; the rest of what is not ours is not read. */
const BODY_BYTES_MAX = 1_048_576
const TEXT_CHARACTERS = 4_096

/** Reads a probe to its end, and notes when what came. */
export async function readProbe(
  send: (call: Call) => Promise<Exchange>,
  call: Omit<Call, 'onHead' | 'onBytes'> & { onSeen?: () => void },
): Promise<Reading> {
  const startedMs = performance.now()
  const body = new ProbeBody(startedMs, call.onSeen)
  const exchange = await send({
    ...call,
    headers: { Accept: 'text/event-stream', 'Accept-Encoding': 'gzip, deflate, br, zstd', ...call.headers },
    onHead: (head) => body.begin(head),
    onBytes: (bytes) => body.push(bytes),
  })
  await body.close()
  return {
    exchange,
    seen: body.seen,
    ticks: body.ticks,
    pieces: body.pieces,
    lastByteMs: body.pieces.at(-1)?.atMs ?? 0,
    isWhole: body.sha256 !== null,
    isSame: body.isSame(),
    contentEncoding: exchange.head?.headers['content-encoding'] ?? '',
    text: body.bytes().toString('utf8').slice(0, TEXT_CHARACTERS),
  }
}

class ProbeBody {
  seen: ProbeSeen | null = null
  readonly ticks: Tick[] = []
  readonly pieces: Piece[] = []
  sha256: string | null = null
  readonly #startedMs: number
  readonly #onSeen: (() => void) | undefined
  readonly #kept: Buffer[] = []
  #keptBytes = 0
  #decoders: readonly Transform[] = []
  readonly #text = new TextDecoder()
  readonly #parser = createParser({ onEvent: ({ event, data }) => this.#take(event ?? '', data) })

  constructor(startedMs: number, onSeen: (() => void) | undefined) {
    this.#startedMs = startedMs
    this.#onSeen = onSeen
  }

  begin({ headers }: Head): void {
    try {
      this.#decoders = contentDecoders(headers['content-encoding'] ?? '', 'the server')
    } catch {
      // A coding that the request did not accept: the body is read as it is, and differs from what was sent.
      this.#decoders = []
    }
    for (const [index, decoder] of this.#decoders.entries()) {
      // What cannot be decoded shows as a body without its end.
      decoder.on('error', () => undefined)
      const next = this.#decoders[index + 1]
      decoder.on('data', (bytes: Buffer) => (next === undefined ? this.#read(bytes) : next.write(bytes)))
      decoder.on('close', () => next?.end())
    }
  }

  push(bytes: Buffer): void {
    const [first] = this.#decoders
    if (first === undefined) this.#read(bytes)
    else if (first.writable) first.write(bytes)
  }

  /** Waits until what is being decoded has been read. */
  async close(): Promise<void> {
    const last = this.#decoders.at(-1)
    if (last === undefined) return
    const done = new Promise((resolve) => last.once('close', resolve))
    this.#decoders[0]?.end()
    if (!last.destroyed) await done
  }

  bytes(): Buffer {
    return Buffer.concat(this.#kept)
  }

  isSame(): boolean | null {
    if (this.sha256 === null) return null
    const bytes = this.bytes()
    const before = bytes.subarray(0, Math.max(0, bytes.lastIndexOf('event: end')))
    return createHash('sha256').update(before).digest('hex') === this.sha256
  }

  #read(bytes: Buffer): void {
    this.pieces.push({ bytes: bytes.length, atMs: performance.now() - this.#startedMs })
    if (this.#keptBytes + bytes.length > BODY_BYTES_MAX) return
    this.#keptBytes += bytes.length
    this.#kept.push(bytes)
    this.#parser.feed(this.#text.decode(bytes, { stream: true }))
  }

  #take(event: string, text: string): void {
    const data = jsonOf(text)
    if (event === 'request' && data['protocol'] === 1) {
      this.seen = data as unknown as ProbeSeen
      this.#onSeen?.()
    } else if (event === 'tick' && typeof data['at_ms'] === 'number') {
      this.ticks.push({ sentMs: data['at_ms'], arrivedMs: performance.now() - this.#startedMs })
    } else if (event === 'end' && typeof data['sha256'] === 'string') this.sha256 = data['sha256']
  }
}

/** What a rewriting proxy makes of JSON may be none. */
function jsonOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
