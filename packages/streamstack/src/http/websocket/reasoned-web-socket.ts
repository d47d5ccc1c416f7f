import { CLOSE_CODES } from '@streamstack/protocol'
import { WebSocket } from 'ws'

const reasons: ReadonlyMap<number | undefined, string> = new Map(
  Object.values(CLOSE_CODES).map(({ code, reason }) => [code, reason]),
)

/** A WebSocket that gives a reason also where the library closes by itself, because of a frame that it does not take. */
export class ReasonedWebSocket extends WebSocket {
  override close(code?: number, reason = reasons.get(code)): void {
    super.close(code, reason)
  }
}
