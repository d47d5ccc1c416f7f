import type { Attachment } from './conversation.ts'

/** A larger text does not fit a request body. */
const BYTES_MAX = 256 * 1024

/** The text of a file; null when it is too large or is not text in UTF-8. */
export async function readAttachment(file: File): Promise<Attachment | null> {
  if (file.size > BYTES_MAX) return null
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer())
    return text.includes('\0') ? null : { name: file.name, text }
  } catch {
    return null
  }
}
