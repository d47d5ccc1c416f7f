import { startLongTimer } from '../../definition/index.ts'
import { onAnswerOver } from '../answer-over.ts'
import type { Beating } from '../heartbeat.ts'
import { formatOffset } from '../../stream-store/index.ts'
import { answerPage } from './answer-page.ts'
import { nextCursor } from './cursor.ts'
import type { Readable } from './readable.ts'
import { type Headers, type ReadCall, answer, settle } from './stream-call.ts'

/** Waits at the end of a stream for what comes next: chunks, its closure, or nothing for `longPollTimeoutMs`. */
export function longPoll(call: ReadCall, stream: Readable, after: number, cursor: string | null): void {
  const { service, response } = call
  if (stream.isVisiblyClosed) {
    answerNothing(call, stream, cursor)
    return
  }
  const giveUp = (): void => {
    leave()
    answerNothing(call, stream, cursor)
  }
  const timer = startLongTimer(giveUp, service.longPollTimeoutMs)
  // There is no sign of life for it: an answer has a beginning only when it has an end.
  const waiting: Beating = { lastWriteMs: Infinity, beat: () => undefined, goodbye: giveUp }
  const watcher = {
    wake(): void {
      if (stream.visibleTail === after && !stream.isVisiblyClosed && !stream.isGone) return
      leave()
      settle(
        call,
        // A stream that is gone says here which way.
        () => service.store.open(call.name),
        (found) => {
          if (found.visibleTail > after) answerPage(call, found, after, { cursor, isNow: false })
          else answerNothing(call, found, cursor)
        },
      )
    },
  }
  const leave = (): void => {
    timer.clear()
    service.heartbeat.remove(waiting)
    stream.watchers.delete(watcher)
  }
  stream.watchers.add(watcher)
  service.heartbeat.add(waiting)
  onAnswerOver(response, leave)
}

function answerNothing(call: ReadCall, stream: Readable, cursor: string | null): void {
  const headers: Headers = {
    'Stream-Next-Offset': formatOffset(stream.visibleTail, stream.record.family),
    'Stream-Up-To-Date': 'true',
    'Stream-Cursor': nextCursor(cursor),
  }
  if (stream.isVisiblyClosed) headers['Stream-Closed'] = 'true'
  answer(call, 204, headers)
}
