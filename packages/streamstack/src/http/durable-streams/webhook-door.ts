import { StreamstackError } from '@streamstack/protocol'
import { isLoopback } from '../../access/index.ts'
import { AllowList, type Outbound, checkUrl, createOutbound } from '../../outbound/index.ts'
import { type Subscription, SubscriptionError, type WebhookSigner } from '../../stream-store/subscriptions/index.ts'
import type { Settings } from '../../workspace/index.ts'

/** An open server is for trying things on this machine, and so are the webhooks that it calls. */
const LOOPBACK = ['127.0.0.0/8', '::1']

const TIMEOUT_MS = 30_000
const ANSWER_BYTES_MAX = 64 * 1024

/** Calls webhooks through the guarded client, which reaches only addresses that the settings allow. */
export class WebhookDoor {
  readonly #allowList: AllowList
  readonly #outbound: Outbound
  readonly #signer: WebhookSigner
  readonly #closed = new AbortController()

  constructor({ outbound, streams }: Settings, signer: WebhookSigner) {
    const allow = [
      ...outbound.allow.filter((entry) => entry !== 'self'),
      ...(streams.access === 'open' ? LOOPBACK : []),
    ]
    this.#allowList = new AllowList(allow)
    this.#outbound = createOutbound({
      ...outbound,
      allow,
      firstByteTimeoutMs: Math.min(outbound.firstByteTimeoutMs ?? TIMEOUT_MS, TIMEOUT_MS),
      totalTimeoutMs: TIMEOUT_MS,
    })
    this.#signer = signer
  }

  /** Throws `WEBHOOK_URL_REJECTED`. What a host name leads to is checked when it is called. */
  check(text: string): void {
    const url = URL.parse(text)
    if (url === null) throw rejected('webhook.url must be a URL.')
    // What a webhook is told must not go over the network for all to read.
    if (url.protocol !== 'https:' && !isLoopback(url.hostname)) throw rejected('webhook.url must use https.')
    try {
      checkUrl(url, this.#allowList)
    } catch (error) {
      throw rejected(error instanceof StreamstackError ? error.message : 'webhook.url cannot be called.')
    }
  }

  /** Calls a webhook; true when it answers that its work is done. Rejects when it must be called again. */
  async call({ config }: Subscription, notice: object): Promise<boolean> {
    const body = JSON.stringify(notice)
    const { body: answer } = await this.#outbound.request({
      url: config.webhookUrl ?? '',
      method: 'POST',
      headers: { 'content-type': 'application/json', 'webhook-signature': this.#signer.signature(body) },
      body,
      redirects: 0,
      maxBytes: ANSWER_BYTES_MAX,
      signal: this.#closed.signal,
    })
    return typeof answer === 'object' && answer !== null && 'done' in answer && answer['done'] === true
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await this.#outbound.close()
  }
}

function rejected(message: string): SubscriptionError {
  return new SubscriptionError('WEBHOOK_URL_REJECTED', message)
}
