import { answerWhole } from '../answer/answer-whole.ts'
import { probePlan } from './probe-plan.ts'
import type { Operation } from '../route.ts'

/** Starts no run and reads nothing of the workspace. */
export const startProbe: Operation = {
  summary:
    'Sends small events at known times, the first with what the server saw of the request: `streamstack doctor` finds out by them what stands between.',
  answers: 'stream',
  handle(exchange, { probes }) {
    probes.start(exchange, probePlan(exchange.inputs))
  },
}

export const showProbe: Operation = {
  summary: 'Tells whether the reader of a probe has left.',
  answers: 'whole',
  handle(exchange, { probes }) {
    const state = probes.stateOf(exchange.parameters['id'] ?? '')
    answerWhole(exchange, { body: JSON.stringify(state) })
  },
}
