const bytesPerUnit: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1024,
  mb: 1024 ** 2,
  gb: 1024 ** 3,
}

/**
 * Reads a size: a number of bytes, or text with a unit (`512kb`, `10mb`, `4gb`; 1 kb is 1,024 bytes, `kib` the same).
 * Null when it is none; never negative, whole bytes.
 */
export function parseByteSize(value: unknown): number | null {
  if (typeof value === 'number') return isSize(value) ? Math.round(value) : null
  if (typeof value !== 'string') return null
  const match = /^(\d+(?:\.\d+)?)\s*(b|bytes|kb|kib|k|mb|mib|m|gb|gib|g)?$/i.exec(value.trim())
  if (match === null) return null
  const unit = (match[2] ?? 'b').toLowerCase()
  const bytes = Number(match[1]) * (bytesPerUnit[unit === 'bytes' || unit === 'b' ? 'b' : `${unit.charAt(0)}b`] ?? 1)
  return isSize(bytes) ? Math.round(bytes) : null
}

function isSize(value: number): boolean {
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER
}
