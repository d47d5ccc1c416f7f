import { createReadStream } from 'node:fs'
import { StreamstackError } from '@streamstack/protocol'
import { Utf8Decoder } from './utf8-decoder.ts'

/** How much of a file is read at once. */
const CHUNK_BYTES = 256 * 1024
/** Bytes that the detection of the encoding needs; a pipe may deliver the first ones one by one. */
const DETECT_BYTES = 1024

/** How far the reading of a file has come. */
export interface DecodeProgress {
  bytesRead: number
}

interface Decoder {
  write(bytes: Buffer): string
  end(): string
}

/**
 * The text of a file, piece by piece. Without `encoding` it is UTF-8, or UTF-16 when its first bytes say so; a file that
 * is neither is refused, never guessed at, and so are bytes that the encoding does not have. Throws `file_unreadable`,
 * also when it cannot be read.
 */
export async function* decodeFile(
  file: string,
  encoding: string | null,
  progress: DecodeProgress,
): AsyncGenerator<string> {
  if (encoding !== null && !isKnownEncoding(encoding)) {
    throw new StreamstackError(
      'file_unreadable',
      `The encoding "${encoding}" is unknown; use one such as utf-8, utf-16le, latin1 or windows-1252.`,
    )
  }
  let decoder: Decoder | null = encoding === null ? null : namedDecoder(encoding)
  let held: Buffer = Buffer.alloc(0)
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES })) {
      let bytes: Buffer = chunk
      progress.bytesRead += bytes.length
      if (decoder === null) {
        bytes = held.length === 0 ? bytes : Buffer.concat([held, bytes])
        held = bytes
        if (held.length < DETECT_BYTES) continue
        decoder = detectDecoder(held)
      }
      const text = decoder.write(bytes)
      if (text !== '') yield text
    }
    let rest = ''
    if (decoder === null && held.length > 0) {
      decoder = detectDecoder(held)
      rest = decoder.write(held)
    }
    rest += decoder?.end() ?? ''
    if (rest !== '') yield rest
  } catch (error) {
    throw readError(error)
  }
}

/** The encodings of the Encoding Standard, under all their names. */
function isKnownEncoding(encoding: string): boolean {
  if (isUnicodeName(encoding)) return true
  try {
    return new TextDecoder(encoding).encoding !== ''
  } catch {
    return false
  }
}

/** UTF-8 and UTF-16 have decoders of their own, whose names people spell in many ways. */
function isUnicodeName(encoding: string): boolean {
  return /^(?:utf8|utf16le|utf16be|ucs2)$/.test(plainName(encoding))
}

function plainName(encoding: string): string {
  return encoding.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

function namedDecoder(encoding: string): Decoder {
  const name = plainName(encoding)
  if (name === 'utf8') return new Utf8Decoder()
  if (name === 'utf16le' || name === 'ucs2') return new Utf16Decoder('utf-16le')
  if (name === 'utf16be') return new Utf16Decoder('utf-16be')
  return new ListedDecoder(encoding)
}

/** UTF-16 text; half of a pair, or of a character, throws `file_unreadable`. */
class Utf16Decoder implements Decoder {
  readonly #decoder: InstanceType<typeof TextDecoder>

  constructor(encoding: 'utf-16le' | 'utf-16be') {
    this.#decoder = new TextDecoder(encoding, { fatal: true })
  }

  write(bytes: Buffer): string {
    return this.#read(() => this.#decoder.decode(bytes, { stream: true }))
  }

  end(): string {
    return this.#read(() => this.#decoder.decode())
  }

  #read(decode: () => string): string {
    try {
      return decode()
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      throw new StreamstackError(
        'file_unreadable',
        'The file is not valid UTF-16 text; name its encoding, such as `--encoding utf-8`, or save it again.',
        { cause: error },
      )
    }
  }
}

/** Text of an encoding by its name. Bytes that have no meaning in it throw `file_unreadable`. */
class ListedDecoder implements Decoder {
  readonly #encoding: string
  readonly #decoder: InstanceType<typeof TextDecoder>
  #line = 1

  constructor(encoding: string) {
    this.#encoding = encoding
    this.#decoder = new TextDecoder(encoding)
  }

  write(bytes: Buffer): string {
    return this.#checked(this.#decoder.decode(bytes, { stream: true }))
  }

  end(): string {
    return this.#checked(this.#decoder.decode())
  }

  #checked(text: string): string {
    // U+FFFD stands for bytes that could not be read, and so do the controls that windows-1252 gets for its five unused bytes;
    // only encodings of all Unicode can hold them themselves.
    const at = text.search(/[\uFFFD\u0080-\u009F]/)
    if (at !== -1 && !/utf|ucs|gb18030/i.test(this.#encoding)) {
      const line = this.#line + text.slice(0, at).split('\n').length - 1
      throw new StreamstackError(
        'file_unreadable',
        `The file is not ${this.#encoding} text (the first fault is in line ${line}); name another with \`--encoding\`.`,
      )
    }
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) this.#line += 1
    return text
  }
}

function detectDecoder(first: Buffer): Decoder {
  if (first[0] === 0xff && first[1] === 0xfe) return new Utf16Decoder('utf-16le')
  if (first[0] === 0xfe && first[1] === 0xff) return new Utf16Decoder('utf-16be')
  if (first.subarray(0, DETECT_BYTES).includes(0)) {
    throw new StreamstackError(
      'file_unreadable',
      'The file holds zero bytes, as UTF-16 text or binary files do; name its encoding, such as `--encoding utf-16le`.',
    )
  }
  return new Utf8Decoder()
}

function readError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  if (error.code === 'ENOENT')
    return new StreamstackError('file_unreadable', 'The file to import does not exist; check its path.', {
      cause: error,
    })
  if (error.code === 'EISDIR')
    return new StreamstackError('file_unreadable', 'What is to be imported is a folder; name a file.', { cause: error })
  if (error.code === 'EACCES')
    return new StreamstackError('file_unreadable', 'The file to import cannot be read; check its permissions.', {
      cause: error,
    })
  return error
}
