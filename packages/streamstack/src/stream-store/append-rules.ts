import { StreamstackError } from '@streamstack/protocol'
import { formatOffset } from './offset.ts'
import { type ProducerState, type StreamRecord, mediaType } from './stream-record.ts'

/**
 * The producer of an append, so that a repeated append counts once (Durable Streams, "Idempotent
 * Producers").
 */
export interface Producer {
  readonly id: string
  readonly epoch: number
  readonly sequence: number
}

export interface AppendRequest {
  /** Null: only allowed where nothing is appended. */
  readonly contentType: string | null
  /** As the stream keeps it; null: nothing, the stream is only closed. */
  readonly data: Buffer | null
  /** Closes the stream after the data. */
  readonly close: boolean
  readonly producer: Producer | null
  /** Stream-Seq: must be greater, as text, than the last one of the stream. */
  readonly sequence: string | null
}

/** Whether an append is new, or was taken before. Throws why it cannot be taken; `details` hold what a client needs to go on. */
export function judgeAppend(
  record: StreamRecord,
  request: AppendRequest,
  known: ProducerState | null,
): 'new' | 'duplicate' {
  const { producer } = request
  if (producer !== null && known !== null) {
    if (producer.epoch < known.epoch) throw fenced(known.epoch)
    if (producer.epoch === known.epoch && producer.sequence <= known.sequence) return 'duplicate'
  }
  if (record.isClosed) {
    if (producer === null && request.data === null && request.close) return 'duplicate'
    throw new StreamstackError('stream_closed', 'The stream is closed; nothing can be appended to it.', {
      details: { closed: true, next_offset: formatOffset(record.tail, record.family) },
    })
  }
  if (request.data !== null) checkContentType(record, request.contentType)
  if (producer !== null) checkSequence(producer, known)
  const { sequence } = request
  if (sequence !== null && record.sequence !== null && compareBytes(sequence, record.sequence) <= 0) {
    throw new StreamstackError('sequence_conflict', 'Stream-Seq is not greater than the last one of this stream.', {
      details: { next_offset: formatOffset(record.tail, record.family) },
    })
  }
  return 'new'
}

function checkContentType(record: StreamRecord, contentType: string | null): void {
  if (contentType !== null && mediaType(contentType) === mediaType(record.contentType)) return
  throw new StreamstackError(
    'content_type_conflict',
    `The stream holds ${mediaType(record.contentType)}; send that Content-Type.`,
  )
}

function checkSequence(producer: Producer, known: ProducerState | null): void {
  if (known !== null && producer.epoch > known.epoch) {
    if (producer.sequence === 0) return
    throw new StreamstackError('header_invalid', 'A new Producer-Epoch begins with Producer-Seq 0.')
  }
  const expected = known === null ? 0 : known.sequence + 1
  if (producer.sequence === expected) return
  throw new StreamstackError(
    'sequence_conflict',
    `Producer-Seq ${producer.sequence} leaves a gap; ${expected} comes next.`,
    { details: { expected_sequence: expected, received_sequence: producer.sequence } },
  )
}

function fenced(epoch: number): StreamstackError {
  return new StreamstackError(
    'producer_fenced',
    `A producer with this id has gone on to epoch ${epoch}. Begin a greater one to take over.`,
    { details: { producer_epoch: epoch } },
  )
}

/** Byte-wise, as the protocol asks. Header values are latin1 in Node, whose code units are the bytes. */
function compareBytes(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
