import type { Outcome, Value } from '@streamstack/protocol'
import type { Row } from '../table/index.ts'
import type { NativeTurn } from '../provider/index.ts'
import type { ConversationCall, StoredMessage } from './message.ts'

/** Optional members of messages, in one JSON column. */
interface Data {
  readonly calls?: readonly ConversationCall[]
  readonly answers?: { readonly id: string; readonly name: string; readonly isError: boolean }
  readonly reasoning?: NativeTurn
}

/** Text without the two things that databases refuse in it: half a surrogate pair, and U+0000. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd')
}

export function toRow({
  id,
  position,
  role,
  content,
  calls,
  answers,
  reasoning,
  status,
  run,
  createdAt,
}: StoredMessage): Record<string, Value> {
  const data: Data = {
    ...(calls === null ? {} : { calls }),
    ...(answers === null ? {} : { answers }),
    ...(reasoning === null ? {} : { reasoning }),
  }
  return {
    message_id: id,
    position,
    role,
    content: storableText(content),
    data: Object.keys(data).length === 0 ? null : (data as Value),
    status,
    run,
    created_at: createdAt,
  }
}

export function fromRow(row: Row): StoredMessage {
  const data = (row['data'] ?? {}) as Data
  return {
    id: row['message_id'] as string,
    position: row['position'] as number,
    role: row['role'] as StoredMessage['role'],
    content: row['content'] as string,
    calls: data.calls ?? null,
    answers: data.answers ?? null,
    reasoning: data.reasoning ?? null,
    status: row['status'] as Outcome,
    run: (row['run'] ?? null) as string | null,
    createdAt: row['created_at'] as string,
  }
}
