/** Whatever an endpoint says of caching, nothing on the way may change the bytes: a proxy that compresses holds chunks back. */
export function untransformed(declared?: string): string {
  if (declared === undefined) return 'no-cache, no-transform'
  return declared.includes('no-transform') ? declared : `${declared}, no-transform`
}

/** The headers of an answer with those that steps have set; the names of headers know no case (RFC 9110 §5.1). */
export function withStepHeaders(
  headers: Readonly<Record<string, string>>,
  set: ReadonlyMap<string, string>,
): Readonly<Record<string, string>> {
  if (set.size === 0) return headers
  const merged: Record<string, string> = { ...headers }
  for (const [name, value] of set) {
    const lower = name.toLowerCase()
    for (const known of Object.keys(merged)) if (known.toLowerCase() === lower) delete merged[known]
    merged[name] = lower === 'cache-control' ? untransformed(value) : value
  }
  return merged
}
