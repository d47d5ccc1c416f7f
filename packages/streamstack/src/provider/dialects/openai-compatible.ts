import type { Dialect } from '../dialect.ts'
import { chatBody, chatCompletions } from './chat-completions.ts'

/** Any other server of the Chat Completions API: vLLM, SGLang, llama.cpp, Groq, OpenRouter, Mistral, DeepSeek, xAI … */
export const openaiCompatible: Dialect = {
  ...chatCompletions,
  provider: 'openai-compatible',
  baseUrl: null,
  keyName: null,
  body: (request) => chatBody(request, 'max_tokens'),
}
