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
  examples: [],
  compile(step, compiler) {
    const request = prepareRequest(step, compiler)
    const items = (step.parameters['items']?.value ?? 'auto') as ItemFormat
    const open = async (frame: Frame, strand: Strand): Promise<SourceHandle> => {
      const { sources, services } = strand.run
      const source = await services.outbound.stream(request(frame, strand), items)
      const number = sources.size === 0 ? 1 : Math.max(...sources.keys()) + 1
      sources.set(number, source)
      return { $source: number }
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
