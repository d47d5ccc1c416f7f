import type { IncomingMessage } from 'node:http'
import { StreamstackError, type Value } from '@streamstack/protocol'
import type { Engine } from '../../engine/index.ts'
import {
  SUBSCRIPTION_ERRORS,
  SubscriptionError,
  SubscriptionManager,
  WebhookSigner,
} from '../../stream-store/subscriptions/index.ts'
import type { Subscription } from '../../stream-store/subscriptions/index.ts'
import type { StreamRight } from './access.ts'
import { type StreamCall, type StreamService, absoluteUrl, answer, headerOf, refuse } from './stream-call.ts'
import { RESERVED_ROOT, STREAM_ROOT } from './stream-name.ts'
import { acknowledgement, streamNames, subscriptionConfig, workerName } from './subscription-body.ts'
import { WebhookDoor } from './webhook-door.ts'
import { withBody } from './whole-body.ts'

const KEY_DOCUMENT = 'webhook-key'
const SUBSCRIPTIONS = 'subscriptions/'
const KEYS = 'jwks.json'

/** Throws when whoever sends a request may not. */
type Allow = (request: IncomingMessage, right: StreamRight) => void | Promise<unknown>

type Reply = readonly [status: number, body?: object]

/** The protocol's own resources under `/v1/stream/__ds/`: subscriptions, and the key that their calls are signed with. */
export class Subscriptions {
  readonly #allow: Allow
  readonly #manager: SubscriptionManager
  readonly #signer: WebhookSigner
  readonly #door: WebhookDoor

  constructor({ settings }: Engine, { store, onError }: StreamService, allow: Allow) {
    this.#allow = allow
    const kept = store.documents(KEY_DOCUMENT).get(KEY_DOCUMENT) ?? null
    this.#signer = new WebhookSigner(kept)
    if (kept === null) Promise.resolve(store.putDocument(KEY_DOCUMENT, this.#signer.pem)).catch(onError)
    this.#door = new WebhookDoor(settings, this.#signer)
    this.#manager = new SubscriptionManager({
      store,
      deliver: (subscription, notice) =>
        this.#door.call(subscription, { ...notice, callback_url: actionUrl(subscription, 'callback') }),
      onError,
    })
  }

  /** `resource` is what follows `/v1/stream/__ds/`, decoded. */
  handle(call: StreamCall, resource: string): void {
    // Anybody may know the public key: whoever is called checks with it.
    if (resource === KEYS && call.request.method === 'GET') {
      const headers = { 'Content-Type': 'application/jwk-set+json', 'Cache-Control': 'public, max-age=300' }
      answer(call, 200, headers, JSON.stringify({ keys: [this.#signer.key] }))
      return
    }
    withBody(call, (body) => {
      this.#act(call, resource, body).then(
        ([status, reply]) => answerJson(call, status, reply),
        (error: unknown) => this.#refuse(call, error),
      )
    })
  }

  async close(): Promise<void> {
    this.#manager.close()
    await this.#door.close()
  }

  async #act(call: StreamCall, resource: string, body: Buffer): Promise<Reply> {
    const { request } = call
    const [id = '', action = '', ...rest] = resource.startsWith(SUBSCRIPTIONS)
      ? resource.slice(SUBSCRIPTIONS.length).split('/')
      : []
    if (id === '') throw new StreamstackError('stream_unknown', 'There is nothing of this name.')
    const what = `${request.method} ${action}`
    switch (what) {
      case 'POST callback':
      case 'POST ack': {
        const type = action === 'ack' ? 'pull-wake' : 'webhook'
        const next = await this.#manager.acknowledge(id, bearer(call), acknowledgement(json(body)), type)
        return [200, { ok: true, next_wake: next }]
      }
      case 'POST release':
        await this.#manager.release(id, bearer(call), acknowledgement(json(body)))
        return [204]
    }
    // From here on who calls counts, not what was given to a worker. A subscription makes this server call others, so reading alone is not enough to make one.
    await this.#allow(request, 'streams:read')
    if (what === 'GET ') return [200, this.#describe(this.#manager.get(id))]
    if (what === 'POST claim') return [200, await this.#claim(id, workerName(json(body)))]
    await this.#allow(request, 'streams:write')
    switch (what) {
      case 'PUT ':
        return this.#put(call, id, json(body))
      case 'DELETE ':
        await this.#manager.delete(id)
        return [204]
      case 'POST streams':
        await this.#manager.addStreams(id, streamNames(json(body)))
        return [204]
      case 'DELETE streams':
        await this.#manager.removeStream(id, rest.join('/'))
        return [204]
      default:
        throw new StreamstackError('method_not_allowed', 'A subscription does not answer to this method here.')
    }
  }

  async #put(call: StreamCall, id: string, body: Value): Promise<Reply> {
    const config = subscriptionConfig(body)
    if (config.webhookUrl !== null) this.#door.check(config.webhookUrl)
    const { isNew, subscription } = await this.#manager.put(id, config, absoluteUrl(call, ''))
    return [isNew ? 201 : 200, this.#describe(subscription)]
  }

  async #claim(id: string, worker: string): Promise<object> {
    const { subscription, wakeId, token } = await this.#manager.claim(id, worker)
    return {
      wake_id: wakeId,
      generation: subscription.generation,
      token,
      streams: this.#manager.streams(subscription),
      lease_ttl_ms: subscription.config.leaseTtlMs,
    }
  }

  #describe(subscription: Subscription): object {
    const { id, config, baseUrl, createdAt, failures } = subscription
    const signing = {
      alg: 'ed25519',
      kid: this.#signer.key.kid,
      jwks_url: `${baseUrl}${STREAM_ROOT}${RESERVED_ROOT}${KEYS}`,
    }
    return {
      id,
      subscription_id: id,
      type: config.type,
      pattern: config.pattern ?? undefined,
      streams: this.#manager
        .streams(subscription)
        .map(({ path, link_type, acked_offset }) => ({ path, link_type, acked_offset })),
      webhook: config.webhookUrl === null ? undefined : { url: config.webhookUrl, signing },
      wake_stream: config.wakeStream ?? undefined,
      lease_ttl_ms: config.leaseTtlMs,
      description: config.description ?? undefined,
      created_at: createdAt,
      status: failures === 0 ? 'active' : 'failed',
    }
  }

  #refuse(call: StreamCall, error: unknown): void {
    if (!(error instanceof SubscriptionError)) {
      refuse(call, error)
      return
    }
    const { code, message, details } = error
    answerJson(call, SUBSCRIPTION_ERRORS[code], { error: { code, message, ...details } })
  }
}

function actionUrl({ baseUrl, id }: Subscription, action: string): string {
  return `${baseUrl}${STREAM_ROOT}${RESERVED_ROOT}${SUBSCRIPTIONS}${encodeURIComponent(id)}/${action}`
}

function answerJson(call: StreamCall, status: number, body?: object): void {
  answer(call, status, { 'Content-Type': 'application/json' }, body === undefined ? '' : JSON.stringify(body))
}

function json(body: Buffer): Value {
  try {
    return body.length === 0 ? {} : (JSON.parse(body.toString('utf8')) as Value)
  } catch {
    throw new SubscriptionError('INVALID_REQUEST', 'The body is not valid JSON.')
  }
}

function bearer({ request }: StreamCall): string {
  const token = /^Bearer ([\w.-]+)$/i.exec(headerOf(request, 'authorization') ?? '')?.[1]
  if (token === undefined) throw new SubscriptionError('TOKEN_INVALID', 'Send the token as Authorization: Bearer.')
  return token
}
