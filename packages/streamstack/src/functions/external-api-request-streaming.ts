import type { StepNode } from '../definition/types.ts'
import type { Frame, Strand } from '../run/index.ts'
import type { Compiler } from './compiler.ts'
import type { ItemFormat } from '../outbound/index.ts'
import { ITEM_FORMATS } from '../outbound/index.ts'
import type { FunctionDefinition } from './function-definition.ts'
import { type SourceHandle, compileItems } from './items-loop.ts'
import { prepareRequest, requestParameters } from './outbound-request.ts'
import { compileCall, openCall } from './provider-call.ts'
import { modelParameters, providerParameters } from './provider-parameters.ts'

export const externalApiRequestStreaming: FunctionDefinition = {
  name: 'External API Request (Streaming)',
  aliases: ['Streaming API Request', 'External API Request Streaming', 'Streaming External API Request'],
  summary:
    'Calls another service and hands on its answer item by item while it arrives: to the inner stack, or to a For Each over the result. Leaving the loop, or the run, hangs up.',
  parameters: {
    ...requestParameters,
    url: { ...requestParameters.url, required: false },
    provider: {
      kind: 'literal',
      summary:
        "Reads the answer as that of a model: openai, anthropic, google, ollama or openai-compatible, or a choice such as `OpenAI/Anthropic/Google AI`, of which the host of `url` decides. Items are then `{kind, text, raw, …}`, and the answer is complete only with the provider's own mark.",
      type: 'text',
    },
    ...modelParameters,
    ...providerParameters,
    items: {
      kind: 'literal',
      summary:
        '`sse`: the data of each event, parsed when it is JSON. `sse-events`: `{event, id, data}`. `ndjson`: a value a line. `lines`: a text a line. `bytes`: text as it comes. `auto`: by Content-Type.',
      type: 'text',
      values: ITEM_FORMATS,
      default: 'auto',
      aliases: ['format', 'as_items'],
    },
  },
  stacks: {
    inner: {
      summary: 'Steps for each item; without it, the result is gone through with For Each.',
      aliases: ['inner_functions', 'inner_logic', 'processing', 'steps', 'do', 'each', 'stack'],
    },
  },
  hasResult: true,
  resultDefault: 'response',
  examples: [
    {
      title: 'The text of a chat model, piece by piece',
      upstream: {
        'https://api.example.com/chat': {
          type: 'text/event-stream',
          body: 'data: {"delta":"Good "}\n\ndata: {"delta":"morning"}\n\ndata: [DONE]\n\n',
        },
      },
      stack: [
        {
          function: 'External API Request (Streaming)',
          url: 'https://api.example.com/chat',
          method: 'POST',
          body: { messages: [{ role: 'user', content: 'Hello' }], stream: true },
        },
        {
          function: 'For Each',
          input: '{{response}}',
          inner_functions: [
            { function: 'Conditional', condition: "{{item}} === '[DONE]'", true_branch: [{ function: 'Break' }] },
            { function: 'Streaming API Response', content: '{{item.delta}}' },
          ],
        },
      ],
      sends: ['Good ', 'morning'],
    },
    {
      title: 'A value a line, with steps for each',
      upstream: { 'https://api.example.com/log': { type: 'application/x-ndjson', body: '{"n":1}\n{"n":2}\n' } },
      stack: [
        {
          function: 'External API Request (Streaming)',
          url: 'https://api.example.com/log',
          items: 'ndjson',
          inner_functions: [{ function: 'Streaming API Response', content: '{{loop_index}}: {{item.n}}' }],
        },
      ],
      sends: ['0: 1', '1: 2'],
    },
  ],
  compile(step, compiler) {
    const open = step.parameters['provider'] === undefined ? compileRaw(step, compiler) : compileModel(step, compiler)
    if (open === null) return
    if (step.stacks['inner'] !== undefined) return compileItems(step, compiler, compiler.resultSlot(step), open)
    const slot = compiler.resultSlot(step)
    compiler.precedingSource = { slot, isModel: step.parameters['provider'] !== undefined }
    compiler.emit((frame, strand) =>
      open(frame, strand).then((handle) => {
        frame.slots[slot] = handle
      }),
    )
  },
}

type Open = (frame: Frame, strand: Strand) => Promise<SourceHandle>

/** An answer that is cut into items as it is. Null: an issue says why not. */
function compileRaw(step: StepNode, compiler: Compiler): Open | null {
  for (const name of MODEL_ONLY) {
    const node = step.parameters[name]
    if (node === undefined) continue
    compiler.issue(
      'error',
      `\`${name}\` has a meaning only together with \`provider\`: add it, or remove \`${name}\`.`,
      node.position,
    )
    return null
  }
  if (step.parameters['url'] === undefined) {
    const { name, parameters } = externalApiRequestStreaming
    compiler.issue('error', `${name} needs \`url\`: ${parameters['url']?.summary}`, step.position)
    return null
  }
  const request = prepareRequest(step, compiler)
  const items = (step.parameters['items']?.value ?? 'auto') as ItemFormat
  return async (frame, strand) => {
    const { run } = strand
    return { $source: run.openSource(await run.services.outbound.stream(request(frame, strand), items)) }
  }
}

/** The answer of a model, as items of one shape. Null: an issue says why not. */
function compileModel(step: StepNode, compiler: Compiler): Open | null {
  const items = step.parameters['items']
  if (items !== undefined) {
    compiler.issue(
      'error',
      '`items` has no meaning together with `provider`, which knows how its answer is cut; remove one.',
      items.position,
    )
    return null
  }
  if (step.parameters['messages'] === undefined && step.parameters['body'] === undefined) {
    compiler.issue(
      'error',
      "With `provider`, the step needs `messages` and `model`, or `body` in the provider's own shape.",
      step.position,
    )
    return null
  }
  const call = compileCall(step, compiler)
  return call === null
    ? null
    : async (frame, strand) => ({ $source: await openCall(call(frame, strand), step, strand) })
}

const MODEL_ONLY = Object.keys({ ...modelParameters, ...providerParameters })
