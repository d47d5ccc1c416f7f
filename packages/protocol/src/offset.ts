/** Reading offsets that callers send: `12`, `0000000000000012` (the sortable spelling) or `-1` for the start. Null: not an offset. */
export function parseOffset(text: string): number | null {
  if (text === '-1') return 0
  if (!/^\d{1,16}$/.test(text)) return null
  const offset = Number(text)
  return Number.isSafeInteger(offset) ? offset : null
}

/** The spelling whose order as text is the order of the stream, as the Durable Streams protocol asks. */
export function sortableOffset(offset: number): string {
  return String(offset).padStart(16, '0')
}
