import type { Value } from '@streamstack/protocol'
import {
  type Acknowledgement,
  SubscriptionError,
  type SubscriptionConfig,
} from '../../stream-store/subscriptions/index.ts'
import { isStreamName } from './stream-name.ts'

const LEASE_MS_DEFAULT = 30_000
const LEASE_MS_MIN = 1_000
const LEASE_MS_MAX = 600_000
const TEXT_MAX = 2_048
const LIST_MAX = 10_000

/** What a subscription is made of. Throws `INVALID_REQUEST`, which names the member. */
export function subscriptionConfig(body: Value): SubscriptionConfig {
  const fields = object(body, 'The body')
  const { type } = fields
  if (type !== 'webhook' && type !== 'pull-wake') throw invalid('type must be webhook or pull-wake.')
  const pattern = path(optionalText(fields, 'pattern'))
  const streams = fields['streams'] === undefined ? [] : list(fields['streams'], 'streams').map((name) => nameOf(name))
  if (pattern === null && streams.length === 0) throw invalid('pattern or streams must say which streams are meant.')
  const leaseTtlMs = fields['lease_ttl_ms'] ?? LEASE_MS_DEFAULT
  if (!Number.isInteger(leaseTtlMs) || Number(leaseTtlMs) < LEASE_MS_MIN || Number(leaseTtlMs) > LEASE_MS_MAX) {
    throw invalid(`lease_ttl_ms must be a whole number from ${LEASE_MS_MIN} to ${LEASE_MS_MAX}.`)
  }
  const webhookUrl = type === 'webhook' ? optionalText(object(fields['webhook'] ?? {}, 'webhook'), 'url') : null
  if (type === 'webhook' && webhookUrl === null) throw invalid('webhook.url is missing.')
  const wakeStream = type === 'pull-wake' ? path(optionalText(fields, 'wake_stream')) : null
  if (type === 'pull-wake' && wakeStream === null) throw invalid('wake_stream is missing.')
  // Messages are written to it: a run or a channel must not be meant.
  if (wakeStream !== null && !isStreamName(wakeStream)) throw invalid('wake_stream can be no name of a stream.')
  return {
    type,
    pattern,
    streams: [...new Set(streams)].sort(),
    webhookUrl,
    wakeStream,
    leaseTtlMs: Number(leaseTtlMs),
    description: optionalText(fields, 'description'),
  }
}

export function streamNames(body: Value): readonly string[] {
  const names = list(object(body, 'The body')['streams'] ?? [], 'streams').map((name) => nameOf(name))
  if (names.length === 0) throw invalid('streams must name at least one stream.')
  return names
}

export function workerName(body: Value): string {
  const worker = optionalText(object(body, 'The body'), 'worker')
  if (worker === null) throw invalid('worker must say who takes the work.')
  return worker
}

export function acknowledgement(body: Value): Acknowledgement {
  const fields = object(body, 'The body')
  const acks = list(fields['acks'] ?? [], 'acks').map((ack) => {
    const fields = object(ack, 'Each of acks')
    return { stream: nameOf(fields['stream'] ?? fields['path']), offset: optionalText(fields, 'offset') ?? '' }
  })
  return {
    wakeId: optionalText(fields, 'wake_id') ?? '',
    generation: Number(fields['generation']),
    acks,
    isDone: fields['done'] === true,
  }
}

type Fields = Readonly<Record<string, Value | undefined>>

function object(value: Value | undefined, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw invalid(`${what} must be an object.`)
}

function list(value: Value | undefined, what: string): readonly Value[] {
  if (Array.isArray(value) && value.length <= LIST_MAX) return value as readonly Value[]
  throw invalid(`${what} must be a list of at most ${LIST_MAX}.`)
}

/** Null when it is absent or empty. */
function optionalText(fields: Fields, name: string): string | null {
  const value = fields[name]
  if (value === undefined || value === null || value === '') return null
  if (typeof value === 'string' && value.length <= TEXT_MAX) return value
  throw invalid(`${name} must be text of at most ${TEXT_MAX} characters.`)
}

function nameOf(value: Value | undefined): string {
  const name = typeof value === 'string' ? path(value) : null
  if (name === null) throw invalid('streams must be named by text.')
  if (!isStreamName(name)) throw invalid('streams must be names that streams can have.')
  return name
}

/** Slashes around a name do not count. */
function path(text: string | null): string | null {
  const trimmed = text?.replace(/^\/+|\/+$/g, '')
  return trimmed === undefined || trimmed === '' ? null : trimmed
}

function invalid(message: string): SubscriptionError {
  return new SubscriptionError('INVALID_REQUEST', message)
}
