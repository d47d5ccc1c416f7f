import type { Dialect } from './dialect.ts'
import { type JsonObject, countOf, wordsOf } from './json.ts'
import { readMessages } from './message.ts'

/** A body with `messages` in the words of OpenAI's chat API, in those of another: messages, instructions, limit and temperature. */
export function adopted(given: JsonObject, body: Dialect['body']): JsonObject {
  const {
    model,
    messages = [],
    system,
    max_tokens: maxTokens,
    max_completion_tokens: maxCompletionTokens,
    temperature,
    // How an answer is streamed is said by each API itself.
    stream: _,
    stream_options: __,
    ...others
  } = given
  return {
    ...body({
      model: wordsOf(model) ?? '',
      system: wordsOf(system),
      messages: readMessages(messages),
      temperature: typeof temperature === 'number' ? temperature : null,
      maxTokens: countOf(maxTokens) ?? countOf(maxCompletionTokens),
      tools: [],
    }),
    ...others,
  }
}
