export { type Batch, type StreamLog, chunkBytes } from './log.ts'
export { MemoryLog } from './memory-log.ts'
export type { StreamSource } from './stream-source.ts'
export { Stream, type StreamOptions, type StreamReader } from './stream.ts'
