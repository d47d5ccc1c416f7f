import { createReadStream } from 'node:fs'
import iconv from 'iconv-lite'
import { StreamstackError } from '@streamstack/protocol'
import { Utf8Decoder } from './utf8-decoder.ts'

/** How much of a file is read at once. */
const chunkBytes = 256 * 1024

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
 * is neither is refused, never guessed at. Throws `file_unreadable`, also when it cannot be read.
 */
export async function* decodeFile(
  file: string,
  encoding: string | null,
  progress: DecodeProgress,
): AsyncGenerator<string> {
  const known: boolean = encoding === null || iconv.encodingExists(encoding)
  if (!known) {
    throw new StreamstackError(
      'file_unreadable',
      `The encoding "${encoding}" is unknown; use one such as utf-8, utf-16le, latin1 or windows-1252.`,
    )
  }
  let decoder: Decoder | null = encoding === null ? null : namedDecoder(encoding)
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: chunkBytes })) {
      const bytes: Buffer = chunk
      decoder ??= detectDecoder(bytes)
      const text = decoder.write(bytes)
      progress.bytesRead += bytes.length
      if (text !== '') yield text
    }
    const rest = decoder?.end() ?? ''
    if (rest !== '') yield rest
  } catch (error) {
    throw readError(error)
  }
}

function namedDecoder(encoding: string): Decoder {
  const decoder = iconv.getDecoder(encoding)
  return { write: (bytes) => decoder.write(bytes), end: () => decoder.end() ?? '' }
}

function detectDecoder(first: Buffer): Decoder {
  if (first[0] === 0xff && first[1] === 0xfe) return namedDecoder('utf-16le')
  if (first[0] === 0xfe && first[1] === 0xff) return namedDecoder('utf-16be')
  if (first.subarray(0, 1024).includes(0)) {
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
