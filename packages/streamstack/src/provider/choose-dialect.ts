import { PROVIDERS, type Dialect, type ProviderName } from './dialect.ts'
import { anthropic, google, ollama, openai, openaiCompatible, openaiResponses } from './dialects/index.ts'

/** Other words for the providers, without case, blanks and punctuation. */
const WORDS: ReadonlyMap<string, ProviderName> = new Map([
  ...PROVIDERS.map((name): [string, ProviderName] => [simplified(name), name]),
  ['claude', 'anthropic'],
  ['googleai', 'google'],
  ['gemini', 'google'],
  ['googlegemini', 'google'],
  ['compatible', 'openai-compatible'],
])

/**
 * The providers that words name: `openai`, or a choice such as `OpenAI/Anthropic/Google AI`. A word that names none comes back in
 * `unknown`.
 */
export function readProviders(words: string): { providers: readonly ProviderName[]; unknown: string | null } {
  const providers: ProviderName[] = []
  for (const word of words.split(/[/,|]|\bor\b/i)) {
    const name = WORDS.get(simplified(word))
    if (name === undefined) return { providers, unknown: word.trim() }
    if (!providers.includes(name)) providers.push(name)
  }
  return { providers, unknown: null }
}

/** Words that may stand for a provider, for suggestions. */
export const PROVIDER_WORDS: readonly string[] = [...PROVIDERS, 'claude', 'google ai', 'gemini']

/** Services and servers that speak OpenAI's API, by their simplified names, with the address where they do. */
const COMPATIBLE: ReadonlyMap<string, string> = new Map([
  ['azure', 'https://YOUR-RESOURCE.openai.azure.com/openai/v1'],
  ['azureopenai', 'https://YOUR-RESOURCE.openai.azure.com/openai/v1'],
  ['cerebras', 'https://api.cerebras.ai/v1'],
  ['deepseek', 'https://api.deepseek.com/v1'],
  ['fireworks', 'https://api.fireworks.ai/inference/v1'],
  ['grok', 'https://api.x.ai/v1'],
  ['groq', 'https://api.groq.com/openai/v1'],
  ['kimi', 'https://api.moonshot.ai/v1'],
  ['llamacpp', 'http://127.0.0.1:8080/v1'],
  ['lmstudio', 'http://127.0.0.1:1234/v1'],
  ['mistral', 'https://api.mistral.ai/v1'],
  ['mistralai', 'https://api.mistral.ai/v1'],
  ['moonshot', 'https://api.moonshot.ai/v1'],
  ['openrouter', 'https://openrouter.ai/api/v1'],
  ['perplexity', 'https://api.perplexity.ai'],
  ['sglang', 'http://127.0.0.1:30000/v1'],
  ['together', 'https://api.together.xyz/v1'],
  ['togetherai', 'https://api.together.xyz/v1'],
  ['vllm', 'http://127.0.0.1:8000/v1'],
  ['xai', 'https://api.x.ai/v1'],
])

/** Where a service that is no provider here speaks OpenAI's API; null: it is not known. */
export function compatibleBaseUrl(service: string): string | null {
  return COMPATIBLE.get(simplified(service)) ?? null
}

const HOSTS: ReadonlyMap<string, ProviderName> = new Map([
  ['api.openai.com', 'openai'],
  ['api.anthropic.com', 'anthropic'],
  ['generativelanguage.googleapis.com', 'google'],
])

/**
 * The dialect of a URL among the providers that a step allows: that of its host, or the only one allowed. Null: the host is of none of
 * them.
 */
export function dialectOfUrl(url: string, allowed: readonly ProviderName[]): Dialect | null {
  const parsed = URL.canParse(url) ? new URL(url) : null
  const owner = parsed === null ? undefined : HOSTS.get(parsed.hostname)
  if (owner !== undefined && allowed.includes(owner)) return dialectOf(owner, parsed?.pathname ?? '')
  // A host that is no provider's own is a gateway: it speaks what the step says.
  const [only] = allowed
  return only !== undefined && allowed.length === 1 && owner === undefined
    ? dialectOf(only, parsed?.pathname ?? url)
    : null
}

/** `path`: of the URL; its end tells the APIs of one provider apart. */
export function dialectOf(provider: ProviderName, path = ''): Dialect {
  switch (provider) {
    case 'openai':
      return /\/responses\/?$/.test(path) ? openaiResponses : openai
    case 'anthropic':
      return isChatCompletions(path) ? asCompatible(anthropic) : anthropic
    case 'google':
      return isChatCompletions(path) ? asCompatible(google) : google
    case 'ollama':
      return ollama
    case 'openai-compatible':
      return openaiCompatible
  }
}

/** Anthropic and Google also speak OpenAI's API, on hosts of their own. */
function isChatCompletions(path: string): boolean {
  return /\/chat\/completions\/?$/.test(path)
}

function asCompatible({ baseUrl, keyName }: Dialect): Dialect {
  return { ...openaiCompatible, baseUrl, keyName }
}

function simplified(word: string): string {
  return word.toLowerCase().replaceAll(/[^a-z]/g, '')
}
