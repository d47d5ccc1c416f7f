import type { FunctionDefinition } from '../parts/function-definition.ts'
import { prepareRequest, requestParameters } from '../parts/outbound-request.ts'

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
  examples: [
    {
      title: 'An answer in JSON',
      upstream: { 'https://api.example.com/rates?base=EUR': { type: 'application/json', body: '{"NOK":11.2}' } },
      stack: [
        { function: 'External API Request', url: 'https://api.example.com/rates', query: { base: 'EUR' } },
        { function: 'Streaming API Response', content: '{{response.NOK}}' },
        { function: 'Streaming API Response', content: '{{response_status}}' },
      ],
      sends: [11.2, 200],
    },
    {
      title: 'An error status ends the run',
      upstream: { 'https://api.example.com/rates': { status: 503, type: 'text/plain', body: 'closed' } },
      stack: [{ function: 'External API Request', url: 'https://api.example.com/rates' }],
      sends: [],
      fails: 'upstream_status',
    },
    {
      title: 'Any status is an answer',
      upstream: { 'https://api.example.com/rates': { status: 404, type: 'text/plain', body: 'none' } },
      stack: [
        { function: 'External API Request', url: 'https://api.example.com/rates', accept_any_status: true },
        { function: 'Streaming API Response', content: '{{response_status}}: {{response}}' },
      ],
      sends: ['404: none'],
    },
  ],
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
        strand.run.noteGrowth()
      })
    })
  },
}
