/** Thrown by decoders: the bytes are not the format. Readers treat it as a broken connection, never as content. */
export class FormatError extends Error {
  override readonly name = 'FormatError'
}

/** Reads JSON that stands alone in a stream. Throws FormatError. */
export function parsePart(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new FormatError('The stream holds something that is not JSON.', { cause: error })
  }
}

/** The same for JSON that has to be an object. Throws FormatError. */
export function parseObject(text: string): Record<string, unknown> {
  const value = parsePart(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new FormatError('The stream holds something that is no object.')
}
