import { isUtf8 } from 'node:buffer'
import { StreamstackError } from '@streamstack/protocol'

const NEWLINE = 10

/** UTF-8 text, piece by piece; what is none throws `file_unreadable` with the line of the first fault. */
export class Utf8Decoder {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  /** The line that the next bytes belong to, from 1. */
  #line = 1
  /** The last character of the bytes before, which the next ones may complete. */
  #tail: Uint8Array = new Uint8Array()

  write(bytes: Uint8Array): string {
    let text: string
    try {
      text = this.#decoder.decode(bytes, { stream: true })
    } catch (error) {
      throw notUtf8(this.#line + linesBeforeFault(Buffer.concat([this.#tail, bytes])), error)
    }
    for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) this.#line += 1
    this.#tail = tailOf(bytes)
    return text
  }

  end(): string {
    try {
      return this.#decoder.decode()
    } catch (error) {
      throw notUtf8(this.#line, error)
    }
  }
}

/** No byte of a longer character is a newline, so lines can be looked at one by one. */
function linesBeforeFault(bytes: Buffer): number {
  let lines = 0
  for (let start = 0; ; lines += 1) {
    const end = bytes.indexOf(NEWLINE, start)
    if (end === -1 || !isUtf8(bytes.subarray(start, end))) return lines
    start = end + 1
  }
}

/** From the last byte that opens a longer character; characters have at most four bytes. Empty when a line ends behind it. */
function tailOf(bytes: Uint8Array): Uint8Array {
  const last = bytes.subarray(-3)
  const opens = last.findLastIndex((byte) => byte >= 0xc0)
  const tail = opens === -1 ? last.subarray(last.length) : last.subarray(opens)
  return tail.includes(NEWLINE) ? tail.subarray(tail.length) : tail
}

function notUtf8(line: number, cause: unknown): unknown {
  if (!(cause instanceof TypeError)) return cause
  return new StreamstackError(
    'file_unreadable',
    `The file is not UTF-8 text (the first fault is in line ${line}); name its encoding, such as \`--encoding windows-1252\` or \`--encoding latin1\`.`,
    { cause },
  )
}
