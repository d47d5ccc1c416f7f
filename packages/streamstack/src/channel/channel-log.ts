import type { Chunk } from '@streamstack/protocol'
import type { StreamLog } from '../stream/index.ts'
import type { HistoryDeclaration } from './declaration.ts'

/** Keeps the messages of one channel. */
export interface ChannelLog extends StreamLog {
  /** The offset after which the history begins now: exact by count and by age. */
  historyStart(history: HistoryDeclaration): number | Promise<number>
  /** Lets go of what is neither history nor recent. */
  trim(history: HistoryDeclaration): void | Promise<void>
  /** Keeps a message so that it survives a restart, and then calls `show`, which appends it. Null: messages are in memory alone. `key` is a digest. */
  readonly keep: ((chunk: Chunk, key: string | null, show: () => void) => Promise<void>) | null
}
