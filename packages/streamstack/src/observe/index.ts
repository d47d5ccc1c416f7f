export { Observation } from './observation.ts'
export { ReaderRecord } from './reader-record.ts'
export type { SystemStream } from './system-stream.ts'
