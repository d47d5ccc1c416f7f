import type { WidgetSource } from '@streamstack/protocol'
import { didYouMean, suggest } from '../text/did-you-mean.ts'
import { SOURCE_WORDS, streamOfWords } from './vocabulary.ts'

/** What a workspace has to read from, so that a name that leads nowhere is told when the file loads. */
export interface KnownSources {
  /** `GET /api/poem`. */
  readonly endpoints: readonly string[]
  /** Names of channels as they are declared, `rooms/{room}`. */
  readonly channels: readonly string[]
  readonly hasChannel: (name: string) => boolean
}

const SYSTEM_STREAMS = ['system/metrics', 'system/activity', 'system/history']
const ENDPOINT = /^(GET|POST|PUT|PATCH|DELETE) (\/\S*)$/
const HOW =
  'Write system/metrics, system/activity, "channel <name>" or an endpoint such as "GET /api/dashboard"; words such as "analytics" or "events" work, too.'

/** What a text says of where a widget reads: a stream, a channel, an endpoint, or prose that speaks of metrics or of events. */
export function sourceOfText(text: string, known: KnownSources): WidgetSource | { readonly problem: string } {
  const trimmed = text.trim()
  if (ENDPOINT.test(trimmed)) return endpointSource(trimmed, known)
  const channel = /^channel (\S+)$/i.exec(trimmed)?.[1]
  if (channel !== undefined) return channelSource(channel, known)
  if (trimmed.startsWith('/v1/stream/')) return { stream: trimmed }
  if (trimmed.startsWith('system/')) {
    if (trimmed === 'system/metrics') return METRICS_SOURCE
    if (SYSTEM_STREAMS.includes(trimmed)) return { stream: trimmed }
    const near = didYouMean(trimmed, SYSTEM_STREAMS)
    return problem(`There is no system stream "${trimmed}".`, near, `Known are ${SYSTEM_STREAMS.join(', ')}.`)
  }
  const stream = streamOfWords(trimmed)
  if (stream !== null) return stream === 'system/metrics' ? METRICS_SOURCE : { stream }
  // `metrcs` in the middle of a sentence.
  for (const word of trimmed.split(/\s+/)) {
    const near = word.length > 4 ? didYouMean(word, SOURCE_WORDS) : null
    if (near !== null) return problem(`The source "${text}" is not known.`, near, HOW)
  }
  return problem(`The source "${text}" is not known.`, null, HOW)
}

export const METRICS_SOURCE: WidgetSource = Object.freeze({ stream: 'system/metrics', history: 'system/history' })
export const ACTIVITY_SOURCE: WidgetSource = Object.freeze({ stream: 'system/activity' })

export function endpointSource(
  endpoint: string,
  { endpoints }: KnownSources,
): WidgetSource | { readonly problem: string } {
  if (endpoints.includes(endpoint)) return { endpoint }
  // A path with parameters fits many.
  const fits = endpoints.some((one) => pathPattern(one).test(endpoint))
  if (fits) return { endpoint }
  return problem(
    `There is no endpoint "${endpoint}".`,
    didYouMean(endpoint, endpoints),
    `Known are ${endpoints.join(', ') || 'none'}.`,
  )
}

export function channelSource(
  name: string,
  { channels, hasChannel }: KnownSources,
): WidgetSource | { readonly problem: string } {
  if (hasChannel(name)) return { channel: name }
  return problem(
    `There is no channel "${name}".`,
    didYouMean(name, channels),
    `Known are ${channels.join(', ') || 'none'}.`,
  )
}

function pathPattern(endpoint: string): RegExp {
  const escaped = endpoint.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replace(/:\w+|\\\{\w+\\\}/g, '[^/]+')}$`)
}

function problem(text: string, near: string | null, otherwise: string): { problem: string } {
  return { problem: `${text} ${near === null ? otherwise : suggest(near)}` }
}
