/** First byte of a text message in one frame (RFC 6455 §5.2). Servers send no mask, and nothing here is compressed. */
const TEXT_WHOLE = 0x81

/** How much a frame is larger than its message. */
export function headerBytes(length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : 10
}

/** Writes the header of a text message of so many bytes; gives the place behind it. */
export function writeHeader(target: Buffer, at: number, length: number): number {
  target[at] = TEXT_WHOLE
  if (length < 126) {
    target[at + 1] = length
    return at + 2
  }
  if (length < 65_536) {
    target[at + 1] = 126
    target.writeUInt16BE(length, at + 2)
    return at + 4
  }
  target[at + 1] = 127
  target.writeUInt32BE(Math.floor(length / 2 ** 32), at + 2)
  target.writeUInt32BE(length >>> 0, at + 6)
  return at + 10
}

/** A message that is there in two parts as the bytes of its frame. */
export function frameAfter(prefix: Buffer, rest: Buffer): Buffer {
  const length = prefix.length + rest.length
  const frame = Buffer.allocUnsafe(headerBytes(length) + length)
  const start = writeHeader(frame, 0, length)
  rest.copy(frame, start + prefix.copy(frame, start))
  return frame
}

/** A message as the bytes of its frame. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const frame = Buffer.allocUnsafe(headerBytes(length) + length)
  frame.write(text, writeHeader(frame, 0, length))
  return frame
}
