import { StreamstackError } from '@streamstack/protocol'
import type { Conversations } from '../conversation/index.ts'
import type { Logger } from '../run/index.ts'

/** How often conversations that are past their retention are looked for. */
const SWEEP_MS = 10 * 60_000

/** Deletes conversations that are past their retention, until the function that it returns is called. */
export function startConversationSweep(conversations: Conversations, log: Logger): () => void {
  const sweep = (): void => {
    conversations.sweep(Date.now()).catch((error: unknown) => {
      // Without a stack that has conversations there is no table for them.
      if (error instanceof StreamstackError && error.code === 'table_unknown') return
      log.error({ err: error }, 'conversations that are past their retention could not be deleted')
    })
  }
  const timer = setInterval(sweep, SWEEP_MS).unref()
  return () => clearInterval(timer)
}
