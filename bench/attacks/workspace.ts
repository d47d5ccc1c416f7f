import { fileURLToPath } from 'node:url'

const certificate = (name: string): string =>
  fileURLToPath(new URL(`../../test/fixtures/tls/${name}.pem`, import.meta.url))

const send = (content: unknown): object => ({ function: 'Streaming API Response', content })

/** Numbered chunks of the stream that a victim reads while others attack. */
export const PACED_CHUNKS = 100_000

export const VICTIM_LINES = ['first', 'second', 'third']

const endpoint = (
  method: string,
  path: string,
  function_stack: readonly unknown[],
  input_parameters: object = {},
  settings: object = {},
): object => ({ endpoint_settings: { method, path, ...settings }, input_parameters, function_stack })

const required = (type: string): object => ({ type, required: true })

const doubled = [
  { step: 'Seed', variables: { v: ['x'] } },
  {
    function: 'For',
    count: 60,
    inner_functions: [{ function: 'Update Variable', name: 'v', value: ['{{v}}', '{{v}}'] }],
  },
]

/** A workspace that offers an attacker everything that a bound has to protect, and its victims two plain endpoints. */
export function attackedWorkspace(
  isSecure: boolean,
  upstreamPort: number,
  limits: object = {},
): Record<string, unknown> {
  const tls = { cert: certificate('cert'), key: certificate('key') }
  return {
    'streamstack.yaml': {
      log: { level: 'silent' },
      server: { hosts: ['127.0.0.1', 'localhost'], ...(isSecure ? { tls } : {}) },
      outbound: { allow: ['self', `127.0.0.1:${upstreamPort}`] },
      limits,
    },
    'endpoints/victim.json': endpoint('GET', '/victim', VICTIM_LINES.map(send)),
    'endpoints/paced.json': endpoint('GET', '/paced', [
      {
        function: 'For',
        count: PACED_CHUNKS,
        inner_functions: [send('{{loop_index}}'), { function: 'Sleep', duration: 20 }],
      },
    ]),
    'endpoints/flood.json': endpoint(
      'GET',
      '/flood',
      [{ function: 'For', count: 1_000_000, inner_functions: [send('{{line + loop_index}}')] }],
      { line: { type: 'text', default: 'x'.repeat(1_000) } },
    ),
    'endpoints/held.json': endpoint('POST', '/held', [send('begun'), { function: 'Sleep', duration: '10m' }], {
      items: required('list'),
    }),
    'endpoints/held-text.json': endpoint(
      'POST',
      '/held-text',
      [
        { step: 'Grow', variables: { big: '{{text.repeat(16)}}' } },
        { step: 'Flatten', variables: { last: '{{(big + 1) < (big + 2)}}' } },
        send('begun'),
        { function: 'Sleep', duration: '10m' },
      ],
      { text: required('text') },
    ),
    'endpoints/count.json': endpoint('POST', '/count', [send('{{ids.length}}')], { ids: required('list') }),
    'endpoints/page.json': endpoint('GET', '/page', [
      { function: 'Get Records', table: 'rows', limit: 5_000, as: 'rows' },
      send('{{rows}}'),
      send('{{rows}}'),
      send('{{rows}}'),
    ]),
    'endpoints/search.json': endpoint(
      'POST',
      '/search',
      [{ function: 'Get Records', table: 'rows', where: 'body ilike {{q}}', limit: 10, as: 'rows' }, send('{{rows}}')],
      { q: required('text') },
    ),
    'endpoints/spread.json': endpoint(
      'POST',
      '/spread',
      [send('{{ids.reduce((all, id) => ({ ...all, [id]: true }), {})}}')],
      { ids: required('list') },
    ),
    'endpoints/big-text.json': endpoint(
      'POST',
      '/big-text',
      [
        { step: 'Grow', variables: { big: '{{text.repeat(16)}}' } },
        { step: 'Compare', variables: { found: '{{ids.filter((i) => (big + i) < (big + (i + 1))).length}}' } },
        send('{{found}}'),
      ],
      { text: required('text'), ids: required('list') },
    ),
    'endpoints/sort.json': endpoint('POST', '/sort', [send('{{sortBy(ids, (id) => text + id).length}}')], {
      text: required('text'),
      ids: required('list'),
    }),
    'endpoints/deep.json': endpoint('GET', '/deep', [
      { function: 'External API Request', url: `http://127.0.0.1:${upstreamPort}/deep`, as: 'answer' },
      send('{{answer}}'),
    ]),
    'endpoints/log.json': endpoint('GET', '/log', [
      ...doubled,
      { function: 'Log', message: 'bomb', data: '{{v}}' },
      send('logged'),
    ]),
    'endpoints/body.json': endpoint('GET', '/body', [
      ...doubled,
      { function: 'External API Request', url: `http://127.0.0.1:${upstreamPort}/`, method: 'POST', body: '{{v}}' },
    ]),
    'endpoints/column.json': endpoint('GET', '/column', [
      ...doubled,
      { function: 'Add Record', table: 'things', record: { anything: '{{v}}' } },
    ]),
    'endpoints/self.json': endpoint('GET', '/self', [
      {
        function: 'Parallel',
        branches: Array.from({ length: 4 }, () => [{ function: 'External API Request', url: '/self' }]),
      },
      send('done'),
    ]),
    'endpoints/steady.json': endpoint('GET', '/steady', [
      {
        function: 'For',
        count: 20,
        inner_functions: [send('{{loop_index}}'), { function: 'Sleep', duration: 25 }],
      },
    ]),
    'tables/rows.json': { columns: { id: { type: 'integer', primary: true }, body: 'text' }, seed: 'rows.csv' },
    'rows.csv': ['id,body', ...Array.from({ length: 5_000 }, (_, id) => `${id},${'a'.repeat(1_500)}`)].join('\n'),
    'tables/things.json': { columns: { id: { type: 'integer', primary: true }, anything: 'json' } },
    'channels/rooms.yaml':
      'channel: rooms/{room}\npublish: true\nsubscribe: true\npresence: true\nhistory: { count: 1000 }\n',
    'channels/news.yaml': 'publish: true\nsubscribe: true\nhistory: { count: 10 }\n',
  }
}
