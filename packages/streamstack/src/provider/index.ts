export {
  type CallHooks,
  type FailedAttempt,
  type ProviderCall,
  type ProviderTarget,
  callProvider,
} from './call-provider.ts'
export { compatibleBaseUrl, dialectOf, dialectOfUrl, PROVIDER_WORDS, readProviders } from './choose-dialect.ts'
export type { Dialect, ModelRequest, ProviderName, Tool } from './dialect.ts'
export { openaiResponses } from './dialects/openai-responses.ts'
export { type ProviderItem, type TextItem, type ToolCallItem, type Usage } from './item.ts'
export { type JsonObject } from './json.ts'
export { placeholderKey, providerKeyNames } from './provider-keys.ts'
export { afterFilters, lastingReasoning } from './lasting-reasoning.ts'
export { type Message, type NativeTurn, originOf, readMessages, withTurnsOf } from './message.ts'
export { type ModelCall, type ModelPrice, type RunUsage, failedCall, withCall } from './model-call.ts'
export { ProviderSource } from './provider-source.ts'
