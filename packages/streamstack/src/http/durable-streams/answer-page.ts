import { after } from '../../storage/index.ts'
import { type Page, formatOffset, isJson } from '../../stream-store/index.ts'
import { nextCursor } from './cursor.ts'
import { bodyOf } from './page-body.ts'
import type { Readable } from './readable.ts'
import { type Headers, type ReadCall, answer, headerOf } from './stream-call.ts'

/** How much one answer brings, about: a chunk that is larger comes whole. */
const PAGE_BYTES_MAX = 512 * 1024

/** Immutable by position, so a client's own cache may keep it; for others it may be confidential. */
const CACHE_PAGE = 'private, max-age=60, stale-while-revalidate=300'

interface PageOptions {
  readonly cursor: string | null
  /** Whether the end was asked for, wherever it is. */
  readonly isNow: boolean
}

/** The next page after a position, as one answer. */
export function answerPage(
  call: ReadCall,
  stream: Readable,
  position: number,
  options: PageOptions,
): void | Promise<void> {
  return after(stream.read(position, PAGE_BYTES_MAX), (page) => writePage(call, stream, position, page, options))
}

function writePage(
  call: ReadCall,
  stream: Readable,
  position: number,
  page: Page,
  { cursor, isNow }: PageOptions,
): void {
  const { record } = stream
  const isUpToDate = page.last === stream.visibleTail
  const isClosed = isUpToDate && stream.isVisiblyClosed
  const headers: Headers = {
    'Content-Type': record.contentType,
    'Stream-Next-Offset': formatOffset(page.last, record.family),
    'Stream-Cursor': nextCursor(cursor),
    // What is up to date now is not for long.
    'Cache-Control': isNow ? 'no-store' : isUpToDate ? 'no-cache' : CACHE_PAGE,
  }
  if (isUpToDate) headers['Stream-Up-To-Date'] = 'true'
  if (isClosed) headers['Stream-Closed'] = 'true'
  if (!isNow) {
    const tag = `"${record.family}:${position}:${page.last}${isClosed ? ':closed' : ''}"`
    headers['ETag'] = tag
    if (matches(headerOf(call.request, 'if-none-match'), tag)) {
      answer(call, 304, headers)
      return
    }
  }
  answer(call, 200, headers, bodyOf(page, isJson(record.contentType)))
  stream.wrote?.(page.last)
}

/** If-None-Match (RFC 9110 §13.1.2). */
function matches(header: string | null, tag: string): boolean {
  if (header === null) return false
  return header.split(',').some((part) => part.trim().replace(/^W\//, '') === tag || part.trim() === '*')
}
