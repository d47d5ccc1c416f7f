import type { Value } from '@streamstack/protocol'
import type { Engine } from '../../engine/index.ts'
import { after } from '../../storage/index.ts'
import {
  SUBSCRIPTION_ERRORS,
  SubscriptionError,
  SubscriptionManager,
  WebhookSigner,
  keptSubscriptions,
} from '../../stream-store/subscriptions/index.ts'
import type { Subscription } from '../../stream-store/subscriptions/index.ts'
import { parseExactJson, parseExactJsonInPieces } from '../../text/parse-exact-json.ts'
import { inTurnsOfLargeBody, isLarge } from '../call/large-body.ts'
import { type StreamCall, type StreamService, answer, headerOf, refuse } from './stream-call.ts'
import { RESERVED_ROOT, STREAM_ROOT } from './stream-name.ts'
import { acknowledgement, streamNames, subscriptionConfig, workerName } from './subscription-body.ts'
import { WebhookDoor } from './webhook-door.ts'
import { withBody } from './whole-body.ts'

const KEY_DOCUMENT = 'webhook-key'
const SUBSCRIPTIONS = 'subscriptions/'
const KEYS = 'jwks.json'

type Reply = readonly [status: number, body?: object]

/** What the store keeps of subscriptions. */
interface KeptSubscriptions {
  readonly signer: WebhookSigner
  readonly documents: Iterable<string>
}

/** Reads the subscriptions of an earlier run of the server, and the key that their calls are signed with, which is made when there is none. */
export function openSubscriptions(engine: Engine, service: StreamService): Subscriptions | Promise<Subscriptions> {
  const { store, onError } = service
  return after(store.documents(KEY_DOCUMENT), (keys) => {
    const pem = keys.get(KEY_DOCUMENT) ?? null
    const signer = new WebhookSigner(pem)
    if (pem === null) Promise.resolve(store.putDocument(KEY_DOCUMENT, signer.pem)).catch(onError)
    return after(keptSubscriptions(store), (documents) => new Subscriptions(engine, service, { signer, documents }))
  })
}

/** The protocol's own resources under `/v1/stream/__ds/`: subscriptions, and the key that their calls are signed with. */
export class Subscriptions {
  readonly #manager: SubscriptionManager
  readonly #engine: Engine
  readonly #signer: WebhookSigner
  readonly #door: WebhookDoor

  constructor(engine: Engine, service: StreamService, kept: KeptSubscriptions) {
    this.#engine = engine
    this.#signer = kept.signer
    this.#door = new WebhookDoor(engine.settings, this.#signer)
    this.#manager = new SubscriptionManager({
      store: service.store,
      kept: kept.documents,
      deliver: (subscription, notice) =>
        this.#door.call(subscription, { ...notice, callback_url: actionUrl(subscription, 'callback') }),
      onError: service.onError,
    })
  }

  /** The public key is public: webhooks verify calls with it. */
  answerKeys(call: StreamCall): void {
    const headers = { 'Content-Type': 'application/jwk-set+json', 'Cache-Control': 'public, max-age=300' }
    answer(call, 200, headers, JSON.stringify({ keys: [this.#signer.key] }))
  }

  /** Reads the body, and answers what `act` says to it. */
  answer(call: StreamCall, act: (body: Value) => Promise<Reply>): void {
    withBody(call, (body) => this.#reply(call, async () => act(await json(call, body))))
  }

  /** As `answer`, for the bearer of a worker's token; the body is read only after the token is verified. */
  answerWorker(call: StreamCall, id: string, act: (body: Value) => Promise<Reply>): void {
    try {
      this.#manager.checkWorker(id, bearer(call))
    } catch (error) {
      this.#refuse(call, error)
      return
    }
    this.answer(call, act)
  }

  /** Answers to a request whose body does not matter. */
  answerBodiless(call: StreamCall, act: () => Promise<Reply>): void {
    this.#reply(call, act)
  }

  async describe(id: string): Promise<Reply> {
    return [200, await this.#describe(this.#manager.get(id))]
  }

  async put(call: StreamCall, id: string, body: Value): Promise<Reply> {
    const config = subscriptionConfig(body)
    if (config.webhookUrl !== null) this.#door.check(config.webhookUrl)
    const { isNew, subscription } = await this.#manager.put(id, config, this.#engine.gate.baseUrlFor(call.place))
    return [isNew ? 201 : 200, await this.#describe(subscription)]
  }

  async delete(id: string): Promise<Reply> {
    await this.#manager.delete(id)
    return [204]
  }

  async addStreams(id: string, body: Value): Promise<Reply> {
    await this.#manager.addStreams(id, streamNames(body))
    return [204]
  }

  async removeStream(id: string, name: string): Promise<Reply> {
    await this.#manager.removeStream(id, name)
    return [204]
  }

  async claim(id: string, body: Value): Promise<Reply> {
    const { subscription, wakeId, token } = await this.#manager.claim(id, workerName(body))
    return [
      200,
      {
        wake_id: wakeId,
        generation: subscription.generation,
        token,
        streams: await this.#manager.streams(subscription),
        lease_ttl_ms: subscription.config.leaseTtlMs,
      },
    ]
  }

  /** `type` says which subscriptions are acknowledged so: a webhook by its callback, a pull by `ack`. */
  async acknowledge(call: StreamCall, id: string, type: 'webhook' | 'pull-wake', body: Value): Promise<Reply> {
    const next = await this.#manager.acknowledge(id, bearer(call), acknowledgement(body), type)
    return [200, { ok: true, next_wake: next }]
  }

  async release(call: StreamCall, id: string, body: Value): Promise<Reply> {
    await this.#manager.release(id, bearer(call), acknowledgement(body))
    return [204]
  }

  async close(): Promise<void> {
    this.#manager.close()
    await this.#door.close()
  }

  #reply(call: StreamCall, act: () => Promise<Reply>): void {
    act().then(
      ([status, reply]) => answerJson(call, status, reply),
      (error: unknown) => this.#refuse(call, error),
    )
  }

  async #describe(subscription: Subscription): Promise<object> {
    const { id, config, baseUrl, createdAt, failures } = subscription
    const streams = await this.#manager.streams(subscription)
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
      streams: streams.map(({ path, link_type, acked_offset }) => ({ path, link_type, acked_offset })),
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

async function json(call: StreamCall, body: Buffer): Promise<Value> {
  if (body.length === 0) return {}
  const text = body.toString('utf8')
  try {
    return isLarge(body) ? await inTurnsOfLargeBody(body, parseExactJsonInPieces(text), call) : parseExactJson(text)
  } catch {
    throw new SubscriptionError('INVALID_REQUEST', 'The body is not valid JSON.')
  }
}

function bearer({ request }: StreamCall): string {
  const token = /^Bearer ([\w.-]+)$/i.exec(headerOf(request, 'authorization') ?? '')?.[1]
  if (token === undefined) throw new SubscriptionError('TOKEN_INVALID', 'Send the token as Authorization: Bearer.')
  return token
}
