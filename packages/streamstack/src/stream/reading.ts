/** How a stream is read: by a pump that brings it to a reader, or in full by a collector. */
export { type Collection, collect } from './collect.ts'
export { positionAfter } from './position-after.ts'
export { readChunks } from './read-chunks.ts'
export { Pump, type ReadingRecord, type Sink } from './pump.ts'
export type { Select } from './stream-source.ts'
