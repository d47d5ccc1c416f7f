export { OpenStreams, type OpenStreamBounds } from './open-streams.ts'
export {
  type LimitState,
  RateLimits,
  addressKey,
  callerKey,
  isCountedLater,
  limitError,
  limitHeaders,
  limitName,
  settle,
} from './rate-limits.ts'
export { type Release, RunQueues } from './run-queue.ts'
