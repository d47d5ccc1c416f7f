/** How long an outbound request may take, part by part, in milliseconds. */
export interface TimeLimits {
  /** To a connection that can take the request: name, address, TLS, and the wait for a free one. */
  readonly connectTimeoutMs: number
  /** From the call to the headers of the answer, redirects included. */
  readonly firstByteTimeoutMs: number
  /** Longest silence while the body of the answer is awaited. */
  readonly idleTimeoutMs: number
  /** From the call to the end of the body. Infinity: no limit but that of the run. */
  readonly totalTimeoutMs: number
}

export const TIME_LIMITS: TimeLimits = {
  connectTimeoutMs: 10_000,
  firstByteTimeoutMs: 30_000,
  // Models that reason are silent for long.
  idleTimeoutMs: 120_000,
  totalTimeoutMs: Infinity,
}

/** The limits of one request: of several layers the first that has a limit decides; what none has is a default. */
export function timeLimits(...layers: readonly Partial<TimeLimits>[]): TimeLimits {
  const limit = (name: keyof TimeLimits): number =>
    layers.find((layer) => layer[name] !== undefined)?.[name] ?? TIME_LIMITS[name]
  return {
    connectTimeoutMs: limit('connectTimeoutMs'),
    firstByteTimeoutMs: limit('firstByteTimeoutMs'),
    idleTimeoutMs: limit('idleTimeoutMs'),
    totalTimeoutMs: limit('totalTimeoutMs'),
  }
}
