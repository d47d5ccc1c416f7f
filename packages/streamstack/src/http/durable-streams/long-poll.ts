import { startLongTimer } from '../../definition/index.ts'
import { onAnswerOver } from '../answer/answer-over.ts'
import type { Beating } from '../reader/heartbeat.ts'
import { after } from '../../storage/index.ts'
import { formatOffset } from '../../stream-store/index.ts'
import { answerPage } from './answer-page.ts'
import { nextCursor } from './cursor.ts'
import type { Readable } from './readable.ts'
import { type Headers, type ReadCall, answer, settle } from './stream-call.ts'

/** Waits at the end of a stream for what comes next: chunks, its closure, or nothing for `longPollTimeoutMs`. */
export function longPoll(call: ReadCall, stream: Readable, position: number, cursor: string | null): void {
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
      if (stream.visibleTail === position && !stream.isVisiblyClosed && !stream.isGone) return
      leave()
      settle(
        call,
        () =>
          after(stream.checkThere(), () => {
            if (stream.visibleTail === position) return answerNothing(call, stream, cursor)
            return answerPage(call, stream, position, { cursor, isNow: false })
          }),
        () => undefined,
      )
    },
  }
  const leave = (): void => {
    timer.clear()
    beating.remove()
    watch.remove()
  }
  const watch = stream.watch(watcher)
  const beating = service.heartbeat.add(waiting)
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
