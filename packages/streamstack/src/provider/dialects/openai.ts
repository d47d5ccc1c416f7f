import type { Dialect } from '../dialect.ts'
import { chatBody, chatCompletions } from './chat-completions.ts'

/** OpenAI's Chat Completions API. Its reasoning models refuse `max_tokens`. */
export const openai: Dialect = {
  ...chatCompletions,
  provider: 'openai',
  baseUrl: 'https://api.openai.com/v1',
  keyName: 'OPENAI_API_KEY',
  body: (request) => chatBody(request, 'max_completion_tokens'),
}
