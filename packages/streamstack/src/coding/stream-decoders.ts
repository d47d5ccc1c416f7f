import { Transform } from 'node:stream'
import type { TransformCallback } from 'node:stream'
import zlib from 'node:zlib'
import { StreamstackError } from '@streamstack/protocol'

/**
 * The codings a server may be asked for. Each of them can be cut short without a trace in the connection, so all
 * decoders keep the default final flush: a body without its proper end is an error, never a shorter body.
 */
export const ACCEPTED_CODINGS = 'gzip, deflate, br, zstd'

/**
 * Decoders for a Content-Encoding, in the order in which they take the codings off; none for identity.
 * Throws `upstream_failed` for a coding that is not known, or too many of them.
 */
export function contentDecoders(contentEncoding: string, host: string): Transform[] {
  const codings = contentEncoding
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity')
  // No known server encodes more than twice; a long list only multiplies the work.
  if (codings.length > 3) throw unsupported(host)
  return codings.toReversed().map((coding) => decoder(coding, host))
}

function decoder(coding: string, host: string): Transform {
  // Flushing after each write hands a token on when it comes, not when the next one does.
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return zlib.createGunzip({ flush: zlib.constants.Z_SYNC_FLUSH })
    case 'deflate':
      return new InflateEither()
    case 'br':
      return zlib.createBrotliDecompress({ flush: zlib.constants.BROTLI_OPERATION_FLUSH })
    case 'zstd':
      return zlib.createZstdDecompress({ flush: zlib.constants.ZSTD_e_flush })
    default:
      throw unsupported(host)
  }
}

function unsupported(host: string): StreamstackError {
  return new StreamstackError(
    'upstream_failed',
    `${host} sent a Content-Encoding that cannot be decoded. Send the header Accept-Encoding: identity.`,
    { recoverable: false },
  )
}

/** `deflate` means zlib (RFC 9110), but some servers send raw deflate; the first byte tells which. */
class InflateEither extends Transform {
  #inflate: zlib.Inflate | zlib.InflateRaw | undefined

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    const first = chunk[0]
    if (first === undefined) {
      callback()
      return
    }
    if (this.#inflate === undefined) {
      const options = { flush: zlib.constants.Z_SYNC_FLUSH }
      this.#inflate = (first & 0x0f) === 8 ? zlib.createInflate(options) : zlib.createInflateRaw(options)
      this.#inflate.on('data', (data: Buffer) => {
        if (!this.push(data)) this.#inflate?.pause()
      })
      this.#inflate.on('error', (error) => this.destroy(error))
    }
    this.#inflate.write(chunk, () => callback())
  }

  override _read(size: number): void {
    this.#inflate?.resume()
    super._read(size)
  }

  override _flush(callback: TransformCallback): void {
    if (this.#inflate === undefined) {
      callback()
      return
    }
    this.#inflate.once('end', () => callback())
    this.#inflate.end()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#inflate?.destroy()
    callback(error)
  }
}
