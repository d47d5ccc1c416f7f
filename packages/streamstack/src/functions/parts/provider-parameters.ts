import type { ParameterShape } from '../../definition/types.ts'

/** Parameters of a request in words that all providers share. */
export const modelParameters = {
  model: { kind: 'value', summary: 'Name of the model, as its provider writes it.', type: 'text' },
  messages: {
    kind: 'value',
    summary:
      'The conversation: a list of `{role, content}` with the roles user, assistant, system and tool; or a text, which is one message of the user.',
    type: 'any',
    aliases: ['prompt'],
  },
  system: { kind: 'value', summary: 'Instructions before the conversation.', type: 'text' },
  temperature: { kind: 'value', summary: 'How freely the model chooses its words, from 0.', type: 'number' },
  max_tokens: { kind: 'value', summary: 'Most tokens of the answer.', type: 'integer' },
} as const satisfies Record<string, ParameterShape>

/** Parameters that say where a request goes and how often it is tried. */
export const providerParameters = {
  api: {
    kind: 'literal',
    summary: 'Which API of OpenAI is called: `chat` (Chat Completions) or `responses`.',
    type: 'text',
    values: ['chat', 'responses'],
    default: 'chat',
  },
  base_url: {
    kind: 'value',
    summary: "Base URL of the API, such as `https://api.groq.com/openai/v1`. Default: the provider's own address.",
    type: 'text',
  },
  api_key: {
    kind: 'value',
    summary:
      "The key. Without it, the provider's own address gets `{{env.OPENAI_API_KEY}}`, `{{env.ANTHROPIC_API_KEY}}` or `{{env.GEMINI_API_KEY}}`; other addresses get none.",
    type: 'text',
  },
  fallback: {
    kind: 'value',
    summary:
      'Other models to ask, in order, when one fails before anything of its answer was sent: a list of `{provider, model, base_url, api_key, api}`.',
    type: 'list',
    aliases: ['fallbacks'],
  },
  retries: {
    kind: 'value',
    summary:
      'Further requests to the same model after an error that may pass, with a growing pause or the one that the provider asks for; only while nothing was sent.',
    type: 'integer',
    default: 2,
  },
} as const satisfies Record<string, ParameterShape>
