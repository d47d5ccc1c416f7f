/** Names of all formats, as `?format=` and the setting `format` of an endpoint have them. */
export const FORMAT_NAMES = [
  'lines',
  'text',
  'sse',
  'ndjson',
  'json',
  'csv',
  'ai-sdk',
  'openai',
  'openai-completion',
  'xano',
] as const

export type FormatName = (typeof FORMAT_NAMES)[number]
