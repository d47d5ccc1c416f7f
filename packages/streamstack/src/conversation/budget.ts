import type { SaidMessage, StoredMessage } from './message.ts'

/** A message with what came of it. */
type Told = SaidMessage & Pick<StoredMessage, 'status'>

/** Tokens that most models add per message. */
const MESSAGE_TOKENS = 4

/** Scripts in which a character is about one token: Thai to Korean. */
const DENSE = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]/g

/**
 * Estimates the tokens of a text: one for four characters of ASCII, one for two of other alphabets, one for each character of Chinese,
 * Japanese, Korean and Thai. Tokenisers of models differ from it by up to a quarter, so a budget needs that much room.
 */
export function estimateTokens(text: string): number {
  const dense = text.match(DENSE)?.length ?? 0
  let beyond = 0
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) beyond++
  return Math.ceil((text.length - beyond) / 4 + (beyond - dense) / 2 + dense)
}

export function messageTokens({ content, calls, reasoning }: SaidMessage): number {
  const beside = [calls, reasoning?.content ?? null].filter((part) => part !== null)
  return beside.reduce(
    (sum, part) => sum + estimateTokens(JSON.stringify(part)),
    MESSAGE_TOKENS + estimateTokens(content),
  )
}

export interface Budget {
  /** Null: unbounded. */
  readonly tokens: number | null
  readonly messages: number | null
}

/**
 * The newest messages that fit the budget, in their order. System messages are always kept and counted first. A call of a tool and its results
 * stay together, and what is kept begins with the user: models refuse anything else. `newestFirst`: as they are read from the store.
 */
export class BudgetedHistory {
  readonly #budget: Budget
  #tokens: number
  #messages: number
  readonly #kept: Told[] = []
  /** Messages of the turn that is being read, which ends with its user's message; newest first. */
  #turn: Told[] = []
  readonly #hasNow: boolean
  #isFull = false

  constructor(budget: Budget, system: readonly SaidMessage[], now: SaidMessage | null) {
    this.#budget = budget
    this.#hasNow = now !== null
    const fixed = [...system, ...(now === null ? [] : [now])]
    this.#tokens = fixed.reduce((sum, message) => sum + messageTokens(message), 0)
    this.#messages = fixed.length
  }

  /** False: no older message fits. */
  add(message: Told): boolean {
    if (this.#isFull) return false
    if (message.role === 'system') return true
    this.#turn.push(message)
    if (message.role !== 'user') return true
    const turn = this.#turn
    this.#turn = []
    // A message that never got an answer would stand before its own repetition, unless it is the one to be answered now.
    const isDead = turn.every(({ role, status }) => role === 'user' && status !== 'completed')
    if (isDead && (this.#hasNow || this.#kept.length > 0)) return true
    this.#tokens += turn.reduce((sum, one) => sum + messageTokens(one), 0)
    this.#messages += turn.length
    const { tokens, messages } = this.#budget
    if ((tokens !== null && this.#tokens > tokens) || (messages !== null && this.#messages > messages))
      this.#isFull = true
    else this.#kept.push(...turn)
    return !this.#isFull
  }

  /** Oldest first. */
  messages(): readonly SaidMessage[] {
    return withWholePairs(this.#kept.toReversed())
  }
}

/**
 * Leaves out calls without a result, as a cancelled run leaves them, and results without their call. Results stand right behind the message with
 * the calls: providers use the same ids again in later turns.
 */
export function withWholePairs(messages: readonly SaidMessage[]): readonly SaidMessage[] {
  const whole: SaidMessage[] = []
  for (let at = 0; at < messages.length;) {
    const message = messages[at++] as SaidMessage
    const results: SaidMessage[] = []
    while (messages[at]?.answers) results.push(messages[at++] as SaidMessage)
    if (message.answers !== null) continue
    const isAnswered = (id: string): boolean => results.some(({ answers }) => answers?.id === id)
    const calls = message.calls?.filter(({ id }) => isAnswered(id)) ?? []
    const isCalled = ({ answers }: SaidMessage): boolean => calls.some(({ id }) => id === answers?.id)
    if (message.role === 'assistant' && message.content === '' && calls.length === 0) continue
    whole.push({ ...message, calls: calls.length === 0 ? null : calls }, ...results.filter(isCalled))
  }
  return whole
}
