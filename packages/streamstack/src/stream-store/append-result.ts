import { formatOffset } from './offset.ts'
import type { ProducerState } from './stream-record.ts'

/** The result of an append. */
export interface AppendResult {
  readonly nextOffset: string
  readonly isClosed: boolean
  /** It was taken before; nothing was added. */
  readonly isDuplicate: boolean
  /** With a producer: the highest sequence number taken in its epoch. */
  readonly producer: { readonly epoch: number; readonly sequence: number } | null
}

/** How the stream stands after an append. */
export interface AppendState {
  readonly family: string
  readonly tail: number
  readonly isClosed: boolean
  readonly isDuplicate: boolean
  readonly producer: ProducerState | null
}

export function appendResult({ family, tail, isClosed, isDuplicate, producer }: AppendState): AppendResult {
  return {
    nextOffset: formatOffset(tail, family),
    isClosed,
    isDuplicate,
    producer: producer === null ? null : { epoch: producer.epoch, sequence: producer.sequence },
  }
}
