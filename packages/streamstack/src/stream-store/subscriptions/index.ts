export { SUBSCRIPTION_ERRORS, SubscriptionError } from './subscription-error.ts'
export {
  type Acknowledgement,
  SubscriptionManager,
  type WakeNotice,
  keptSubscriptions,
} from './subscription-manager.ts'
export type { Subscription, SubscriptionConfig } from './subscription.ts'
export { WebhookSigner } from './webhook-signer.ts'
