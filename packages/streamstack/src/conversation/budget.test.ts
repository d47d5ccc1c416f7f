import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { BudgetedHistory, estimateTokens, messageTokens, withWholePairs } from './budget.ts'
import type { SaidMessage } from './message.ts'

const plain = (role: SaidMessage['role'], content: string): SaidMessage => ({
  role,
  content,
  calls: null,
  answers: null,
  reasoning: null,
})
const calling = (id: string): SaidMessage => ({ ...plain('assistant', ''), calls: [{ id, name: 'f', arguments: {} }] })
const result = (id: string): SaidMessage => ({ ...plain('tool', 'r'), answers: { id, name: 'f', isError: false } })

test.each([
  ['', 0],
  ['four', 1],
  ['The quick brown fox', 5],
  ['Größe', 2],
  ['你好世界', 4],
])('%j is about %i tokens', (text, tokens) => expect(estimateTokens(text)).toBe(tokens))

const message = fc.oneof(
  fc.string({ maxLength: 30 }).map((text) => plain('user', text)),
  fc.string({ maxLength: 30 }).map((text) => plain('assistant', text)),
  fc.constantFrom('k1', 'k2').map(calling),
  fc.constantFrom('k1', 'k2').map(result),
)

test('what is kept is the end of the conversation, within the budget, from a message of the user on, with whole pairs', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 20 }), fc.integer({ min: 1, max: 120 }), (messages, tokens) => {
      const now = plain('user', 'now')
      const history = new BudgetedHistory({ tokens, messages: null }, [], now)
      for (const one of messages.toReversed()) if (!history.add({ ...one, status: 'completed' })) break
      const kept = history.messages()
      const cost = kept.reduce((sum, one) => sum + messageTokens(one), 0)
      if (kept.length > 0) {
        expect(cost + messageTokens(now)).toBeLessThanOrEqual(tokens)
        expect(kept[0]?.role).toBe('user')
      }
      expect(withWholePairs(kept)).toEqual(kept)
      for (const [index, { calls }] of kept.entries()) {
        for (const { id } of calls ?? [])
          expect(kept.slice(index + 1).some(({ answers }) => answers?.id === id)).toBe(true)
      }
      // Nothing but pairs that are not whole is missing from the end.
      const texts = (list: readonly SaidMessage[]): string[] =>
        list.filter(({ role }) => role === 'user').map(({ content }) => content)
      expect(texts(messages).slice(texts(messages).length - texts(kept).length)).toEqual(texts(kept))
    }),
    { numRuns: 300 },
  )
})
