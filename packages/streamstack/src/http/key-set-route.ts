import { publishedKeys } from '../access/index.ts'
import type { Settings } from '../workspace/index.ts'
import { answerWhole } from './answer/answer-whole.ts'
import type { Operation } from './route.ts'

/** The answer, by the settings that it follows from: keys are parsed once. */
const answers = new WeakMap<Settings, string>()

export const showKeySet: Operation = {
  summary: 'The public keys that verify tokens of this workspace (JWK Set); empty without `auth.jwt.private_key`.',
  answers: 'whole',
  handle(exchange) {
    const { settings } = exchange.engine
    let body = answers.get(settings)
    if (body === undefined) {
      body = JSON.stringify(publishedKeys(settings.auth.jwt))
      answers.set(settings, body)
    }
    answerWhole(exchange, { contentType: 'application/jwk-set+json', body })
  },
}
