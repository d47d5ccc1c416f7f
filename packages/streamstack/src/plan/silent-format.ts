import { formats } from '@streamstack/protocol'
import type { EndpointDefinition, Issue, StepNode } from '../definition/types.ts'
import type { PlanContext } from './plan-context.ts'
import { allSteps } from './steps.ts'

/** Types whose format has heartbeats. */
const LIVELY_TYPE = /^(?:text\/event-stream|application\/(?:x-)?ndjson|application\/jsonl)\b/i

/**
 * A warning for an endpoint that calls a model, itself or in a function file, and declares a format without heartbeats: proxies
 * disconnect what is silent for a minute.
 */
export function silentFormat(
  { headers, format, position }: EndpointDefinition,
  stacks: readonly (readonly StepNode[])[],
  { definitions }: PlanContext,
): Issue[] {
  const declared = declaredSilence(format, headers['Content-Type'])
  const asksModel = ({ function: name, parameters }: StepNode): boolean =>
    definitions.get(name)?.readsUpstream === true && parameters['provider'] !== undefined
  if (declared === null || !stacks.some((stack) => allSteps(stack).some(asksModel))) return []
  const message = `The endpoint calls a model and declares ${declared}, which has no heartbeat: a proxy may disconnect the caller while the model is silent. Declare text/event-stream or application/x-ndjson, or let callers choose.`
  return [{ severity: 'warning', message, position }]
}

/** What an endpoint declares that stays silent; null: it declares nothing, or a format with heartbeats. */
function declaredSilence(format: EndpointDefinition['format'], type: string | undefined): string | null {
  if (format !== null)
    return formats[format].encoder({ metadata: false }, { run: null }).heartbeat === '' ? `the format ${format}` : null
  return type === undefined || LIVELY_TYPE.test(type) ? null : `the type ${type}`
}
