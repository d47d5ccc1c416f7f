import type { RunOwner } from './idempotency.ts'

/** Chats that are remembered; the one that was used least recently is forgotten first. */
const CHATS_MAX = 10_000

/** The newest run of each client's chat, by owner, endpoint and the id that the client gave the chat. */
export class ChatRuns {
  readonly #runs = new Map<string, string>()

  remember(owner: RunOwner, endpoint: string, chat: string, run: string): void {
    const key = keyOf(owner, endpoint, chat)
    this.#runs.delete(key)
    this.#runs.set(key, run)
    if (this.#runs.size <= CHATS_MAX) return
    const [oldest] = this.#runs.keys()
    if (oldest !== undefined) this.#runs.delete(oldest)
  }

  find(owner: RunOwner, endpoint: string, chat: string): string | null {
    return this.#runs.get(keyOf(owner, endpoint, chat)) ?? null
  }
}

function keyOf(owner: RunOwner, endpoint: string, chat: string): string {
  return JSON.stringify([owner?.subject ?? null, endpoint, chat])
}
