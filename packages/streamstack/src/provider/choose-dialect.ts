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
export const providerWords: readonly string[] = [...PROVIDERS, 'claude', 'google ai', 'gemini']

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
