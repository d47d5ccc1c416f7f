import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** What lets a worker acknowledge: made for one subscription and one generation of its wakes, and told from any other without a list. */
export class WakeTokens {
  readonly #secret = randomBytes(32)

  make(subscription: string, generation: number): string {
    return `${generation}.${this.#seal(subscription, generation)}`
  }

  /** The generation that a token was made for; null: it was not made here, or for another subscription. */
  generationOf(subscription: string, token: string): number | null {
    const [text = '', seal = ''] = token.split('.')
    const generation = Number(text)
    if (!/^\d{1,15}$/.test(text)) return null
    const expected = Buffer.from(this.#seal(subscription, generation))
    const given = Buffer.from(seal)
    return expected.length === given.length && timingSafeEqual(expected, given) ? generation : null
  }

  #seal(subscription: string, generation: number): string {
    return createHmac('sha256', this.#secret).update(`${generation}\n${subscription}`).digest('base64url')
  }
}
