/** Codes that the protocol gives to what goes wrong with subscriptions, and their HTTP status. */
export const SUBSCRIPTION_ERRORS = {
  INVALID_REQUEST: 400,
  SUBSCRIPTION_NOT_FOUND: 404,
  SUBSCRIPTION_ALREADY_EXISTS: 409,
  WEBHOOK_URL_REJECTED: 400,
  TOKEN_INVALID: 401,
  FENCED: 409,
  ALREADY_CLAIMED: 409,
  NO_PENDING_WORK: 409,
  INVALID_OFFSET: 409,
} as const

export type SubscriptionErrorCode = keyof typeof SUBSCRIPTION_ERRORS

/** A refusal in the protocol's own form, `{"error": {"code", "message"}}`; `details` are further members of it. */
export class SubscriptionError extends Error {
  override readonly name = 'SubscriptionError'
  readonly code: SubscriptionErrorCode
  readonly details: Readonly<Record<string, string | number>>

  constructor(code: SubscriptionErrorCode, message: string, details: Readonly<Record<string, string | number>> = {}) {
    super(message)
    this.code = code
    this.details = details
  }
}
