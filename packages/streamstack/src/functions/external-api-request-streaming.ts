import type { Frame, Strand } from '../run/index.ts'
import type { ItemFormat } from '../outbound/index.ts'
import { ITEM_FORMATS } from '../outbound/index.ts'
import type { FunctionDefinition } from './function-definition.ts'
import { type SourceHandle, compileItems } from './items-loop.ts'
import { prepareRequest, requestParameters } from './outbound-request.ts'

export const externalApiRequestStreaming: FunctionDefinition = {
  name: 'External API Request (Streaming)',
  aliases: ['Streaming API Request', 'External API Request Streaming', 'Streaming External API Request'],
  summary:
    'Calls another service and hands on its answer item by item while it arrives: to the inner stack, or to a For Each over the result. Leaving the loop, or the run, hangs up.',
  parameters: {
    ...requestParameters,
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
    const request = prepareRequest(step, compiler)
    const items = (step.parameters['items']?.value ?? 'auto') as ItemFormat
    const open = async (frame: Frame, strand: Strand): Promise<SourceHandle> => {
      const { run } = strand
      return { $source: run.openSource(await run.services.outbound.stream(request(frame, strand), items)) }
    }
    if (step.stacks['inner'] !== undefined) return compileItems(step, compiler, compiler.resultSlot(step), open)
    const slot = compiler.resultSlot(step)
    compiler.emit((frame, strand) =>
      open(frame, strand).then((handle) => {
        frame.slots[slot] = handle
      }),
    )
  },
}
