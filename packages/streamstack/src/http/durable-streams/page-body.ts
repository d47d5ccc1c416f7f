import type { Page } from '../../stream-store/index.ts'

/** The bytes of a page. A page of JSON is an array: the comma after its last message becomes the closing bracket. */
export function bodyOf({ parts, bytes }: Page, json: boolean): Buffer {
  if (!json) return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, bytes)
  if (bytes === 0) return Buffer.from('[]')
  const body = Buffer.allocUnsafe(bytes + 1)
  body[0] = 0x5b
  let end = 1
  for (const part of parts) end += part.copy(body, end)
  body[bytes] = 0x5d
  return body
}
