import { interleave } from './harness/interleave.ts'
import { type Report, type ScenarioOptions, count } from './harness/scenario.ts'
import { startServer } from './harness/server-process.ts'
import { median } from './harness/statistics.ts'
import { withWorkspace } from './harness/temporary-workspace.ts'

/** How long a workspace with many endpoints takes to load. */
export async function load({ quick }: ScenarioOptions): Promise<Report> {
  const endpoints = quick ? 30 : 300
  const timesMs = await withWorkspace(loadWorkspace(endpoints), async (dir) => {
    // Each in a process of its own: nothing is compiled yet, as when a server starts.
    const results = await interleave(['fresh process'], { warmups: 1, rounds: quick ? 3 : 7 }, async () => {
      const server = await startServer('open-engine', { dir, endpoints })
      await server.stop()
      return server.port
    })
    return results.get('fresh process') ?? []
  })
  const medianMs = median(timesMs)
  return {
    title: `Loading ${count(endpoints)} endpoints`,
    method: `Files of 10 to 14 steps in JSON and YAML, with inputs, loops, conditions, queries and templates; the time of opening the workspace in a fresh process, from reading the files to plans that can be called.`,
    tables: [
      {
        caption: 'Opening the workspace',
        columns: ['endpoints', 'median', 'slowest'],
        rows: [[count(endpoints), `${count(medianMs)} ms`, `${count(Math.max(...timesMs))} ms`]],
      },
    ],
    goals: [{ what: 'time to load', goal: '≤ 1,000 ms', measured: `${count(medianMs)} ms`, met: medianMs <= 1_000 }],
  }
}

function loadWorkspace(endpoints: number): Record<string, unknown> {
  const files: Record<string, unknown> = {
    'streamstack.yaml': 'log: { level: error }\n',
    'tables/orders.yaml': ORDERS,
  }
  for (let number = 0; number < endpoints; number++) {
    if (number % 3 === 0) files[`endpoints/report-${number}.yaml`] = reportYaml(number)
    else
      files[`endpoints/${number % 3 === 1 ? 'chat' : 'merge'}-${number}.json`] =
        number % 3 === 1 ? chat(number) : merge(number)
  }
  return files
}

const ORDERS = `columns:
  id: { type: integer, primary: true }
  customer: { type: text, required: true }
  status: { type: text }
  total: { type: number }
  placed_at: { type: timestamp }
indexes:
  - [customer, placed_at]
`

function chat(number: number): unknown {
  return {
    endpoint_settings: {
      method: 'POST',
      path: `/api/chat-${number}`,
      response_type: 'streaming',
      headers: { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-cache' },
    },
    input_parameters: {
      message: { type: 'text', required: true, description: 'What to say' },
      language: { type: 'text', values: ['en', 'fr', 'de'], default: 'en' },
      options: { type: 'object', properties: { chunk_size: 'Words per chunk', delay: 'Milliseconds between chunks' } },
    },
    function_stack: [
      { function: 'Precondition', condition: '{{message.trim().length}} > 0', message: 'Say something.' },
      { function: 'Create Variables', variables: { words: '{{message.split(" ")}}', longest: 0, greeting: 'Hello' } },
      {
        function: 'Switch',
        value: '{{language}}',
        cases: [
          { when: 'fr', steps: [{ function: 'Update Variable', name: 'greeting', value: 'Bonjour' }] },
          { when: 'de', steps: [{ function: 'Update Variable', name: 'greeting', value: 'Guten Tag' }] },
        ],
      },
      { function: 'Streaming API Response', content: '{{greeting}}, you said {{words.length}} words.' },
      {
        function: 'For Each',
        input: '{{words}}',
        inner_functions: [
          {
            function: 'Conditional',
            condition: '{{item.length}} > {{longest}}',
            true_branch: [{ function: 'Update Variable', name: 'longest', value: '{{item.length}}' }],
          },
          {
            function: 'Streaming API Response',
            content: '{{item.toUpperCase()}} ',
            metadata: {
              index: '{{loop_index}}',
              of: '{{array_length}}',
              share: '{{(loop_index + 1) / array_length * 100}}',
            },
          },
        ],
      },
      { function: 'Streaming API Response', content: 'The longest has {{longest}} letters.' },
      { function: 'Streaming API Response', content: '[DONE]', final_metadata: { time: '{{elapsed_time}}', number } },
    ],
  }
}

function merge(number: number): unknown {
  return {
    endpoint_settings: {
      method: 'GET',
      path: `/api/customers/{customer}/orders-${number}`,
      response_type: 'streaming',
    },
    input_parameters: {
      customer: { type: 'text', required: true, maxLength: 100 },
      least: { type: 'number', default: 0, min: 0 },
    },
    function_stack: [
      { step: 'Start', variables: { offset: 0, batch_size: 100, has_more: true, sum: 0 } },
      {
        function: 'Try/Catch Block',
        try_block: [
          {
            function: 'While Loop',
            condition: '{{has_more}} === true',
            inner_logic: [
              {
                function: 'Get Records',
                table: 'orders',
                where: 'customer === {{customer}} && total >= {{least}}',
                order: 'placed_at DESC',
                limit: '{{batch_size}}',
                offset: '{{offset}}',
              },
              {
                function: 'For Each',
                input: '{{records}}',
                as: 'order',
                inner_functions: [
                  { function: 'Update Variable', name: 'sum', value: '{{sum + order.total}}' },
                  {
                    function: 'Streaming API Response',
                    content: {
                      id: '{{order.id}}',
                      text: '{{order.status}}: {{order.total.toFixed(2)}}',
                      batch: '{{current_batch}}',
                    },
                  },
                ],
              },
              {
                function: 'Update Variables',
                updates: { offset: '{{offset + batch_size}}', has_more: '{{records.length === batch_size}}' },
              },
            ],
          },
        ],
        catch_block: [
          {
            function: 'Streaming API Response',
            content: 'Error occurred: {{error_message}}',
            metadata: { recoverable: '{{is_recoverable}}', retry_after: '{{suggested_retry_delay}}' },
          },
        ],
      },
      { function: 'Streaming API Response', content: { sum: '{{Math.round(sum * 100) / 100}}', number } },
    ],
  }
}

function reportYaml(number: number): string {
  return `# Orders by state, one line each.
endpoint_settings:
  method: GET
  path: /api/report-${number}
  response_type: streaming
input_parameters:
  days: { type: integer, default: 30, min: 1, max: 365, description: How far back }
function_stack:
  - function: Create Variables
    variables:
      states: [open, paid, sent, returned]
      total: 0
  - function: For Each
    input: '{{states}}'
    as: state
    inner_functions:
      - function: Count Records
        table: orders
        where: { status: '{{state}}' }
        as: matching
      - function: Conditional
        condition: '{{matching}} === 0'
        true_branch:
          - function: Streaming API Response
            content: 'nothing is {{state}}'
          - function: Continue
      - function: Update Variable
        name: total
        value: '{{total + matching}}'
      - function: Streaming API Response
        content: '{{matching}} are {{state}} ({{days}} days)'
        metadata: { state: '{{state}}', running_total: '{{total}}', at: '{{now}}' }
  - function: Conditional
    condition: '{{total}} > 0 && {{days}} < 365'
    true_branch:
      - function: Streaming API Response
        content: 'Together {{total}} orders.'
    false_branch:
      - function: Streaming API Response
        content: 'No orders at all.'
  - function: Streaming API Response
    content: '[DONE]'
    final_metadata: { report: ${number}, time: '{{elapsed_time}}' }
`
}
