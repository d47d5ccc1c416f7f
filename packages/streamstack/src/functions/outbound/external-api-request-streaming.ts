import type { Value } from '@streamstack/protocol'
import type { StepNode } from '../../definition/types.ts'
import type { EndMark, ItemEnds, ItemFormat } from '../../outbound/index.ts'
import type { Frame, Strand } from '../../run/index.ts'
import { ITEM_FORMATS } from '../../outbound/index.ts'
import type { Compiler } from '../parts/compiler.ts'
import type { FunctionDefinition } from '../parts/function-definition.ts'
import { type SourceHandle, compileItems } from '../parts/items-loop.ts'
import { prepareRequest, requestParameters } from '../parts/outbound-request.ts'
import { compileCall, openCall } from '../parts/provider-call.ts'
import { modelParameters, providerParameters } from '../parts/provider-parameters.ts'

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
        '`sse`: the data of each event, parsed when it is JSON. `sse-text`: the data as text. `sse-events`: `{event, id, data}`. `ndjson`: a value a line. `lines`: a text a line. `bytes`: text as it comes. `auto`: by Content-Type.',
      type: 'text',
      values: ITEM_FORMATS,
      default: 'auto',
      aliases: ['format', 'as_items'],
    },
    until: {
      kind: 'literal',
      summary:
        'How the answer says that it is complete: the text of an item, as `[DONE]`, which is no item itself; or members of the last item, as `{ type: message_stop }` or `{ done: true }`; or a list of these. An answer that ends without it has failed. `false`: the end of the connection is enough.',
      type: 'any',
      aliases: ['end_mark'],
    },
    bad_items: {
      kind: 'literal',
      summary:
        '`fail`: an error that comes as an item (`event: error`, `{"error": …}`) and an item that is not valid JSON fail the step. `pass`: they are items like others.',
      type: 'text',
      values: ['fail', 'pass'],
      default: 'fail',
    },
  },
  stacks: {
    inner: {
      summary: 'Steps for each item; without it, the result is gone through with For Each.',
      aliases: ['inner_functions', 'inner_logic', 'processing', 'steps', 'do', 'each', 'stack'],
    },
  },
  readsUpstream: true,
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
          until: '[DONE]',
        },
        {
          function: 'For Each',
          input: '{{response}}',
          inner_functions: [{ function: 'Streaming API Response', content: '{{item.delta}}' }],
        },
      ],
      sends: ['Good ', 'morning'],
    },
    {
      title: 'An answer that ends too early fails, and what came before it was sent',
      upstream: {
        'https://api.example.com/chat': { type: 'text/event-stream', body: 'data: {"delta":"Good "}\n\n' },
      },
      stack: [
        {
          function: 'External API Request (Streaming)',
          url: 'https://api.example.com/chat',
          method: 'POST',
          body: { stream: true },
          until: '[DONE]',
          inner_functions: [{ function: 'Streaming API Response', content: '{{item.delta}}' }],
        },
      ],
      sends: ['Good '],
      fails: 'upstream_failed',
    },
    {
      title: 'The items of a model, whichever provider it is of',
      upstream: {
        'https://api.example.com/v1/messages': {
          type: 'text/event-stream',
          body: [
            { type: 'message_start', message: { model: 'small', usage: { input_tokens: 5 } } },
            { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Good morning' } },
            { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } },
            { type: 'message_stop' },
          ]
            .map((frame) => `event: ${frame.type}\ndata: ${JSON.stringify(frame)}\n\n`)
            .join(''),
        },
      },
      stack: [
        {
          function: 'External API Request (Streaming)',
          provider: 'anthropic',
          base_url: 'https://api.example.com/v1',
          body: { model: 'small', max_tokens: 100, messages: [{ role: 'user', content: 'Greet me.' }] },
        },
        {
          function: 'For Each',
          inner_functions: [{ function: 'Streaming API Response', content: '{{item.kind}}: {{item.text}}' }],
        },
      ],
      sends: ['status: ', 'text: Good morning', 'usage: ', 'status: '],
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
    if (step.stacks['inner'] !== undefined) {
      return compileItems(step, compiler, { itemsOf: open, named: compiler.resultSlot(step), mayBeSource: true })
    }
    const slot = compiler.resultSlot(step)
    compiler.sources.push({ slot, isModel: step.parameters['provider'] !== undefined })
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
  const ends = endsOf(step, compiler, items)
  return async (frame, strand) => {
    const { run } = strand
    return { $source: run.openSource(await run.services.outbound.stream(request(frame, strand), items, ends)) }
  }
}

/** The answer of a model, as items of one shape. Null: an issue says why not. */
function compileModel(step: StepNode, compiler: Compiler): Open | null {
  for (const name of RAW_ONLY) {
    const node = step.parameters[name]
    if (node === undefined) continue
    compiler.issue(
      'error',
      `\`${name}\` has no meaning together with \`provider\`, which knows how its answer is cut and how it ends; remove one.`,
      node.position,
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

const RAW_ONLY = ['items', 'until', 'bad_items']

function endsOf(step: StepNode, compiler: Compiler, items: ItemFormat): ItemEnds {
  const { until: node, bad_items: badItems } = step.parameters
  const passesBadItems = badItems?.value === 'pass'
  if (node === undefined || node.value === null) {
    warnOfUnmarkedEnd(step, compiler, items)
    return { passesBadItems }
  }
  if (node.value === false) return { passesBadItems }
  const marks = Array.isArray(node.value) ? (node.value as readonly Value[]) : [node.value]
  if (items === 'bytes') {
    compiler.issue('error', '`until` looks at items; with `items: bytes` there are none to look at.', node.position)
  } else if (marks.length === 0 || !marks.every(isMark)) {
    const problem =
      "'until' must be a text such as [DONE], an object of members of the last item, a list of these, or false."
    compiler.issue('error', problem, node.position)
  }
  return { passesBadItems, until: marks.filter(isMark) }
}

function isMark(value: Value): value is EndMark {
  if (typeof value === 'string') return value.trim() !== ''
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
}

/** A relay of events, or of the answer to a body, looks complete to its readers when its upstream dies politely. */
function warnOfUnmarkedEnd(step: StepNode, compiler: Compiler, items: ItemFormat): void {
  const isEvents = items.startsWith('sse')
  const answersBody = (items === 'auto' || items === 'ndjson') && step.parameters['body'] !== undefined
  const url = step.parameters['url']?.value
  // This server says itself how its streams end.
  const isOwn = typeof url === 'string' && url.startsWith('/')
  if (isOwn || (!isEvents && !answersBody)) return
  compiler.issue(
    'warning',
    "The streamed answer has no `until`: when the other service closes the connection early, the run counts as completed. Name its end mark, such as `until: '[DONE]'`, or write `until: false` when it has none.",
    step.position,
  )
}
