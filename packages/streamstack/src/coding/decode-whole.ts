import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdDecompress } from 'node:zlib'
import type { InputType } from 'node:zlib'

type Decode = (bytes: InputType, options: { maxOutputLength: number }) => Promise<Buffer>

const decoders = {
  gzip: promisify<InputType, { maxOutputLength: number }, Buffer>(gunzip),
  br: promisify<InputType, { maxOutputLength: number }, Buffer>(brotliDecompress),
  zstd: promisify<InputType, { maxOutputLength: number }, Buffer>(zstdDecompress),
  deflate: promisify<InputType, { maxOutputLength: number }, Buffer>(inflate),
} as const satisfies Readonly<Record<string, Decode>>

const decodeRawDeflate: Decode = promisify<InputType, { maxOutputLength: number }, Buffer>(inflateRaw)

/** A Content-Encoding that bodies may have. */
export type ContentCoding = keyof typeof decoders

/** In the order in which they are named to clients. */
export const contentCodings = Object.keys(decoders) as readonly ContentCoding[]

/** Returns the coding that a Content-Encoding header names; null: the body is as it is, undefined: the coding is not known. */
export function readContentCoding(header: string | undefined): ContentCoding | null | undefined {
  const coding = (header ?? '').trim().toLowerCase()
  if (coding === '' || coding === 'identity') return null
  // RFC 9110 §8.4.1.3.
  if (coding === 'x-gzip') return 'gzip'
  return contentCodings.find((known) => known === coding)
}

/**
 * Takes a coding off a whole body. Throws `RangeError` with the code ERR_BUFFER_TOO_LARGE beyond `bytesMax`, and what zlib throws when the body is not of that
 * coding, or not complete.
 */
export function decodeWhole(bytes: Buffer, coding: ContentCoding, bytesMax: number): Promise<Buffer> {
  // "deflate" means the zlib format (RFC 9110 §8.4.1.2), yet some clients send it without its header (first nibble 8).
  const isRawDeflate = coding === 'deflate' && ((bytes[0] ?? 0) & 0x0f) !== 8
  const decode = isRawDeflate ? decodeRawDeflate : decoders[coding]
  return decode(bytes, { maxOutputLength: Math.max(1, bytesMax) })
}
