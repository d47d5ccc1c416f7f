import type { Dialect } from '../dialect.ts'
import { anthropic } from './anthropic.ts'
import { google } from './google.ts'
import { ollama } from './ollama.ts'
import { openai } from './openai.ts'
import { openaiCompatible } from './openai-compatible.ts'
import { openaiResponses } from './openai-responses.ts'

/** Every API that is spoken. */
export const dialects: readonly Dialect[] = [openai, openaiResponses, anthropic, google, ollama, openaiCompatible]

export { anthropic, google, ollama, openai, openaiCompatible, openaiResponses }
