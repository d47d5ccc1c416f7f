import { StreamstackError } from '@streamstack/protocol'

export function streamUnknown(): StreamstackError {
  return new StreamstackError('stream_unknown', 'There is no such stream. Create it with PUT.')
}

export function sourceUnknown(): StreamstackError {
  return new StreamstackError('stream_unknown', 'The stream to fork from does not exist.')
}

export function streamDeleted(): StreamstackError {
  return new StreamstackError('stream_deleted', 'The stream was deleted.')
}
