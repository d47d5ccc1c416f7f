export { addressKey } from './rate-limits.ts'
export { OpenStreams, type OpenStreamBounds } from './open-streams.ts'
export { type LimitState, RateLimits, limitError, limitHeaders } from './rate-limits.ts'
