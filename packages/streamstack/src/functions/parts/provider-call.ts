import type { Value } from '@streamstack/protocol'
import { withReasoning } from '../../conversation/index.ts'
import type { StepNode, TreeNode } from '../../definition/types.ts'
import { didYouMean, didYouMeanOr } from '../../text/did-you-mean.ts'
import {
  type Message,
  type FailedAttempt,
  type ProviderCall,
  type Tool,
  callProvider,
  failedCall,
  readMessages,
} from '../../provider/index.ts'
import type { Frame, Strand } from '../../run/index.ts'
import { numberArgument, textArgument } from './arguments.ts'
import type { Compiler } from './compiler.ts'
import { prepareRequest } from './outbound-request.ts'
import { stepError } from './step-error.ts'
import { type Ask, type MakeTarget, type TargetNodes, compileTarget } from './provider-target.ts'

const RETRIES = 2

/** Makes the call of a model. `conversation`: instead of the step's messages. */
export type MakeCall = (
  frame: Frame,
  strand: Strand,
  conversation?: { readonly messages: readonly Message[]; readonly tools: readonly Tool[] },
) => ProviderCall

/** Compiles a call of a model. Null: an issue says why not. */
export function compileCall(step: StepNode, compiler: Compiler): MakeCall | null {
  const { parameters } = step
  const request = prepareRequest(step, compiler)
  const targets = compileTargets(step, compiler)
  if (targets === null || ignoresWords(step, compiler)) return null
  const messages = compiler.value(parameters['messages'], null)
  const system = textArgument(step, compiler, 'system')
  const temperature = numberArgument(step, compiler, 'temperature', null, { min: 0, max: 2 })
  const maxTokens = numberArgument(step, compiler, 'max_tokens', null, { min: 1, integer: true })
  const retries = numberArgument(step, compiler, 'retries', RETRIES, { min: 0, max: 10, integer: true })
  return (frame, strand, conversation) => {
    const prepared = request(frame, strand)
    const given =
      conversation?.messages ??
      (parameters['messages'] === undefined ? null : messagesOf(messages.evaluate(frame), strand))
    const ask: Ask | null =
      given === null
        ? null
        : {
            messages: given,
            tools: conversation?.tools ?? [],
            system: system(frame) || null,
            temperature: temperature(frame),
            maxTokens: maxTokens(frame),
          }
    if (ask?.messages.length === 0 && ask.system === null) {
      throw stepError(step, '`messages` is an empty list: there is nothing to ask.', 'input_invalid')
    }
    return {
      targets: targets.map((target) => target(frame, prepared, ask)),
      retries: retries(frame),
      totalTimeoutMs: prepared.totalTimeoutMs ?? null,
      keepsTurn: (conversation?.tools.length ?? 0) > 0,
      signal: strand.signal,
    }
  }
}

/** Reads messages. Those of the run's conversation get back the reasoning that their servers want. */
export function messagesOf(value: Value, { run }: Strand): readonly Message[] {
  return withReasoning(readMessages(value), run.state.conversation?.reasoning ?? [])
}

/** With a body in the provider's own shape nothing else is said: what would be left out in silence is an issue. */
function ignoresWords(step: StepNode, compiler: Compiler): boolean {
  if (step.parameters['messages'] !== undefined) return false
  for (const name of ['system', 'temperature', 'max_tokens']) {
    const node = step.parameters[name]
    if (node === undefined) continue
    compiler.issue('error', `\`${name}\` needs \`messages\`; without them, write it into \`body\`.`, node.position)
    return true
  }
  return false
}

/**
 * Asks the model; the run keeps the answer under the number that comes back, and records what it used when it is closed. A call of which
 * nothing arrived is recorded as well.
 */
export async function openCall(call: ProviderCall, step: StepNode, strand: Strand): Promise<number> {
  const { run } = strand
  const startedMs = performance.now()
  let failed: FailedAttempt | null = null
  let attempts = 0
  const attemptFailed = (attempt: FailedAttempt): void => {
    failed = attempt
    attempts++
    logFailure(attempt, step, strand)
  }
  try {
    const source = await callProvider(run.services.outbound, call, { attemptFailed })
    source.onClosed = (closed) => run.recordCall(closed.call(run.services.prices))
    return run.openSource(source)
  } catch (error) {
    const { provider, model } = (failed as FailedAttempt | null) ?? { provider: null, model: null }
    if (provider !== null) {
      run.recordCall(failedCall({ provider, model, attempts, duration_ms: Math.round(performance.now() - startedMs) }))
    }
    throw error
  }
}

/** No second request is silent. */
function logFailure({ provider, model, error, next, waitMs }: FailedAttempt, step: StepNode, { run }: Strand): void {
  const fields = {
    run: run.id,
    endpoint: run.endpoint,
    step: step.id,
    provider,
    model,
    code: error.code,
    next,
    wait_ms: Math.round(waitMs),
    err: error.cause,
  }
  run.services.log.warn(fields, `a model call failed: ${error.message}`)
}

const FALLBACK_KEYS: readonly string[] = ['provider', 'model', 'base_url', 'api_key', 'api']

function compileTargets(step: StepNode, compiler: Compiler): readonly MakeTarget[] | null {
  const { provider, api, url, base_url, api_key, model, fallback } = step.parameters
  if (fallback !== undefined && fallback.items === undefined) {
    const message =
      '`fallback` must be a list that is written out: [{ "model": "…" }]; expressions may stand inside it.'
    compiler.issue('error', message, fallback.position)
    return null
  }
  const first = { provider, api, url, base_url, api_key, model, takesHeaders: true, takesBody: true }
  const all = [first, ...(fallback?.items ?? []).map((entry) => fallbackNodes(entry, first, compiler))]
  const isNative = step.parameters['messages'] === undefined
  if (isNative && all.some((nodes) => nodes?.takesBody === false)) {
    const message =
      'Another provider cannot read `body`, which is in the words of the first: write `messages`, `system`, `temperature` and `max_tokens` instead.'
    compiler.issue('error', message, fallback?.position ?? step.position)
    return null
  }
  const targets = all.map((nodes) => (nodes === null ? null : compileTarget(step, compiler, nodes)))
  return targets.every((target) => target !== null) ? targets : null
}

/** The parts of an entry of `fallback`; another model of the same provider needs its name alone. */
function fallbackNodes(entry: TreeNode, first: TargetNodes, compiler: Compiler): TargetNodes | null {
  const given = new Map<string, TreeNode>()
  for (const { key, keyPosition, node } of entry.entries ?? []) {
    if (FALLBACK_KEYS.includes(key)) given.set(key, node)
    else {
      const guess = didYouMean(key, FALLBACK_KEYS)
      const cure = didYouMeanOr(guess, `It takes ${FALLBACK_KEYS.join(', ')}.`)
      compiler.issue('error', `An entry of \`fallback\` has no \`${key}\`. ${cure}`, keyPosition)
      return null
    }
  }
  if (!given.has('model')) {
    compiler.issue('error', 'An entry of `fallback` needs `model`: { "model": "…" }.', entry.position)
    return null
  }
  const isSame = !given.has('provider')
  return {
    provider: given.get('provider') ?? first.provider,
    api: given.get('api') ?? (isSame ? first.api : undefined),
    url: isSame && !given.has('base_url') ? first.url : undefined,
    base_url: given.get('base_url') ?? (isSame ? first.base_url : undefined),
    api_key: given.get('api_key') ?? (isSame && !given.has('base_url') ? first.api_key : undefined),
    model: given.get('model'),
    takesHeaders: isSame && !given.has('base_url'),
    takesBody: isSame,
  }
}
