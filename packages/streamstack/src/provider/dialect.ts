import type { Value } from '@streamstack/protocol'
import type { Answer } from './answer.ts'
import type { ProviderItem } from './item.ts'
import type { JsonObject } from './json.ts'
import type { Message } from './message.ts'

/** As definitions name them. */
export const PROVIDERS = ['openai', 'anthropic', 'google', 'ollama', 'openai-compatible'] as const
export type ProviderName = (typeof PROVIDERS)[number]

/** A function that a model may call. */
export interface Tool {
  readonly name: string
  readonly description: string
  /** JSON Schema of its arguments, an object. */
  readonly parameters: JsonObject
}

/** What is asked of a model, in neutral words. */
export interface ModelRequest {
  readonly model: string
  /** Instructions that stand before the conversation; system messages in it are added to them where a provider keeps both in one place. */
  readonly system: string | null
  readonly messages: readonly Message[]
  readonly temperature: number | null
  readonly maxTokens: number | null
  readonly tools: readonly Tool[]
}

/** How one API of a provider is spoken. All dialects have this shape; none of them keeps anything itself. */
export interface Dialect {
  readonly provider: ProviderName
  /** How the answer is cut into frames. */
  readonly framing: 'sse' | 'ndjson'
  /** Where its requests go; null: a step must say. */
  readonly baseUrl: string | null
  /** The environment variable that holds the key by custom; null: it needs none. */
  readonly keyName: string | null
  /** Headers that carry the key. */
  authorize(key: string): Readonly<Record<string, string>>
  /** Headers that each request has. */
  readonly headers: Readonly<Record<string, string>>
  /** Path and query of the request, from `baseUrl` on. */
  path(model: string): string
  /** The body of a request. */
  body(request: ModelRequest): JsonObject
  /**
   * A body that a definition wrote for this API, where its messages are as other APIs write them: a conversation is a list of
   * `{role, content}` wherever it is sent. Anything else stays as it is.
   */
  adopt(body: JsonObject): JsonObject
  /** Completes a body in the provider's own shape: the answer is streamed and its usage told. */
  streamed(body: JsonObject): JsonObject
  /** The frames that an answer in one piece stands for, which servers send that ignore `stream`; null: the document is no answer. */
  framesOf(document: Value): readonly JsonObject[] | null
  /** Reads one frame. Throws a StreamstackError when the provider tells of an error. */
  read(answer: Answer, frame: JsonObject, items: ProviderItem[]): void
}
