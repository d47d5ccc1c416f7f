export type { AuditNumbers } from './metrics.ts'
export { Observation } from './observation.ts'
export { ReaderRecord } from './reader-record.ts'
export type { SystemStream } from './system-stream.ts'
