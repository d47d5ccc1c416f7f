import { ALL_KINDS, StreamstackError, type Value, openaiError } from '@streamstack/protocol'
import type { Engine } from '../../engine/index.ts'
import type { Plan } from '../../plan/index.ts'
import { didYouMean, didYouMeanOr } from '../../text/did-you-mean.ts'
import { answerProblem } from '../answer/answer-problem.ts'
import { answerWhole } from '../answer/answer-whole.ts'
import { answerCall, bodyOf } from '../call/call-endpoint.ts'
import { noteCaller, noteEndpoint } from '../call/call-note.ts'
import { toldError } from '../told-error.ts'
import type { Exchange } from '../exchange.ts'
import { findEndpoint } from '../call/find-endpoint.ts'
import { CallPreparation } from '../call/prepare-call.ts'
import type { Operation } from '../route.ts'
import { shownEndpoints } from '../shown-endpoints.ts'
import { openaiMessages } from './chat-message.ts'
import { chatInputs, declared } from './chat-turn.ts'

/** Parameters of the API that are not inputs. */
const OWN_PARAMETERS: ReadonlySet<string> = new Set(['model', 'messages', 'stream', 'stream_options'])

/** Answers as OpenAI's Chat Completions API does, by the endpoint that `openai.models` gives the model. */
export const completeChat: Operation = {
  summary: "OpenAI's Chat Completions API: calls the endpoint that `openai.models` of the settings gives the model.",
  answers: 'stream',
  async handle(exchange) {
    try {
      await complete(exchange)
    } catch (thrown) {
      refuse(exchange, thrown)
    }
  },
}

/** Lists the models of `openai.models` whose endpoints the caller may call. */
export const listModels: Operation = {
  summary: 'Lists the models of `openai.models` that the caller may use, as the OpenAI API does.',
  answers: 'whole',
  handle(exchange) {
    const data = modelsFor(exchange).map((model) => describeModel(exchange, model))
    answerWhole(exchange, { body: JSON.stringify({ object: 'list', data }) })
  },
}

/** One of these models. */
export const showModel: Operation = {
  summary: 'Describes one model of `openai.models`, as the OpenAI API does.',
  answers: 'whole',
  async handle(exchange) {
    const model = exchange.parameters['*'] ?? ''
    if (modelsFor(exchange).includes(model)) {
      answerWhole(exchange, { body: JSON.stringify(describeModel(exchange, model)) })
    } else refuse(exchange, await unknownModel(exchange, model))
  },
}

function describeModel({ engine }: Exchange, id: string): object {
  return { id, object: 'model', created: 0, owned_by: engine.settings.name ?? 'streamstack' }
}

async function complete(exchange: Exchange): Promise<void> {
  const { engine, request, response } = exchange
  const body = await bodyOf(exchange)
  if (body instanceof URLSearchParams) throw new StreamstackError('media_type_unsupported', 'Send JSON.')
  const { model, messages, stream, stream_options: options } = body
  if (typeof model !== 'string') throw new StreamstackError('input_invalid', '`model` is missing; it must be a text.')
  const plan = planOf(engine, model)
  if (plan === null) throw await unknownModel(exchange, model)
  noteEndpoint(response, plan.endpoint)
  const preparation = new CallPreparation(engine, plan)
  try {
    const { inputs } = plan.endpoint
    const { authorization } = request.headers
    if (preparation.asksForCaller) {
      exchange.caller = await engine.access.authenticate({
        authorization,
        place: exchange.place,
        urlToken: null,
      })
    }
    noteCaller(response, exchange.caller)
    preparation.admit(exchange.caller)
    const sent = declared(
      inputs.filter(({ name }) => !OWN_PARAMETERS.has(name)),
      body,
    )
    // The newer name of one parameter.
    const others = { ...sent, max_tokens: sent['max_tokens'] ?? body['max_completion_tokens'] ?? null }
    const said = openaiMessages(messages)
    const asksForUsage = (options as { include_usage?: Value } | null | undefined)?.include_usage === true
    await answerCall(
      { exchange, plan, preparation },
      {
        inputs: {
          path: exchange.parameters,
          query: new URLSearchParams(),
          body: { ...declared(inputs, others), ...chatInputs(said, inputs) },
        },
        format: stream === true ? 'openai' : 'openai-completion',
        kinds: asksForUsage ? ALL_KINDS : undefined,
        model,
        chat: null,
      },
    )
  } catch (thrown) {
    throw preparation.refused(thrown)
  }
}

/** Null: there is no such model, or its endpoint is not declared. Throws `endpoint_broken`. */
function planOf(engine: Engine, model: string): Plan | null {
  const { models } = engine.settings.openai
  const route = Object.hasOwn(models, model) ? models[model] : undefined
  if (route === undefined) return null
  const { plans } = engine.workspace
  const plan = [...plans.values()].find(({ endpoint }) => `${endpoint.method} ${endpoint.path}` === route)
  if (plan !== undefined) return plan
  const [method = '', path = ''] = route.split(' ')
  findEndpoint(engine, method, path)
  return null
}

/** Names of models whose endpoints the caller may know of: no other caller learns that they exist. */
function modelsFor(asked: Parameters<typeof shownEndpoints>[0]): string[] {
  const routes = new Set(shownEndpoints(asked).map(({ method, path }) => `${method} ${path}`))
  const { models } = asked.engine.settings.openai
  return Object.keys(models).filter((model) => routes.has(models[model] ?? ''))
}

async function unknownModel({ engine, place, request }: Exchange, model: string): Promise<StreamstackError> {
  const { authorization } = request.headers
  const caller = await engine.access.admit({ authorization, place, urlToken: null }, 'guest')
  const near = didYouMean(model, modelsFor({ engine, caller }))
  const cure = didYouMeanOr(near, 'GET /v1/models lists those that there are.')
  return new StreamstackError('endpoint_unknown', `There is no model ${JSON.stringify(model.slice(0, 60))}. ${cure}`)
}

/** A problem document that also has the `error` of the API. */
function refuse({ engine, path, response, corsHeaders }: Exchange, thrown: unknown): void {
  const error = toldError(engine, thrown, path)
  if (response.headersSent || response.destroyed) response.destroy()
  else answerProblem(response, error, corsHeaders, openaiError(error))
}
