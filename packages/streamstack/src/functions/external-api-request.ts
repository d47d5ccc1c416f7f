import type { FunctionDefinition } from './function-definition.ts'
import { prepareRequest, requestParameters } from './outbound-request.ts'

export const externalApiRequest: FunctionDefinition = {
  name: 'External API Request',
  aliases: ['API Request', 'HTTP Request', 'External Request'],
  summary:
    'Calls another service and waits for its whole answer: the body, parsed when it is JSON. Status and headers go to `<as>_status` and `<as>_headers`. A status outside 200-299 is an error that Try/Catch Block can take.',
  parameters: {
    ...requestParameters,
    accept_any_status: { kind: 'literal', summary: 'Take any status as an answer.', type: 'boolean', default: false },
  },
  hasResult: true,
  resultDefault: 'response',
  resultSuffixes: ['_status', '_headers'],
  examples: [],
  compile(step, compiler) {
    const request = prepareRequest(step, compiler)
    const acceptAnyStatus = step.parameters['accept_any_status']?.value === true
    const as = step.as ?? 'response'
    const slots = {
      body: compiler.variable(as),
      status: compiler.variable(`${as}_status`),
      headers: compiler.variable(`${as}_headers`),
    }
    compiler.emit((frame, strand) => {
      const answer = strand.run.services.outbound.request({ ...request(frame, strand), acceptAnyStatus })
      return strand.untilEnded(answer).then(({ body, status, headers }) => {
        frame.slots[slots.body] = body
        frame.slots[slots.status] = status
        frame.slots[slots.headers] = headers
      })
    })
  },
}
