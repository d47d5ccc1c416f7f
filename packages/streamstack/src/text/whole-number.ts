const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/**
 * The whole number of at most 64 bits that a number or a text of digits means: a number up to ±(2^53 − 1), and its digits
 * as a bigint beyond. Null for everything else, also for a number beyond 2^53, which has already lost digits.
 */
export function wholeNumber(value: unknown): number | bigint | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value + 0 : null
  if (typeof value !== 'string' || !/^[+-]?\d{1,40}$/.test(value)) return null
  const big = BigInt(value.startsWith('+') ? value.slice(1) : value)
  if (big < INT64_MIN || big > INT64_MAX) return null
  const number = Number(big)
  return Number.isSafeInteger(number) ? number : big
}
