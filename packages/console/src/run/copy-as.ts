import { type Endpoint, SERVER } from '../api.ts'

export const COPY_TARGETS = ['curl', 'fetch', 'SDK', 'EventSource', 'Python', 'WeWeb', 'n8n'] as const

const LISTEN = `source.onmessage = ({ data }) => console.log(JSON.parse(data))
source.addEventListener('end', () => source.close())
`

const BODYLESS: readonly string[] = ['GET', 'DELETE']

/** A call as others write it. Tokens are never part of it. */
export function copyText(
  target: (typeof COPY_TARGETS)[number],
  endpoint: Endpoint,
  inputs: Readonly<Record<string, unknown>>,
): string {
  const { method } = endpoint
  const { path, rest } = filledPath(endpoint, inputs)
  const hasBody = !BODYLESS.includes(method)
  const query = new URLSearchParams(
    Object.entries(rest).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
  const url = `${SERVER}${path}${hasBody || query.size === 0 ? '' : `?${query.toString()}`}`
  const body = JSON.stringify(rest)
  const auth = endpoint.authentication
  switch (target) {
    case 'curl':
      return [
        `curl -N${method === 'GET' || (method === 'POST' && hasBody) ? '' : ` -X ${method}`} ${shell(url)}`,
        ...(auth ? ['-H "Authorization: Bearer $TOKEN"'] : []),
        ...(hasBody ? ["-H 'Content-Type: application/json'", `-d ${shell(body)}`] : []),
      ].join(' ')
    case 'fetch':
      return `const response = await fetch(${quoted(url)}, {
  method: ${quoted(method)},
  headers: { Accept: 'application/x-ndjson'${hasBody ? ", 'Content-Type': 'application/json'" : ''}${auth ? ', Authorization: `Bearer ${token}`' : ''} },${hasBody ? `\n  body: JSON.stringify(${body}),` : ''}
})
const lines = response.body.pipeThrough(new TextDecoderStream())
let buffer = ''
for await (const piece of lines) {
  buffer += piece
  const parts = buffer.split('\\n')
  buffer = parts.pop()
  for (const line of parts) if (line) console.log(JSON.parse(line))
}
`
    case 'SDK':
      return `import { createClient } from '@streamstack/client'

const client = createClient({ url: ${quoted(SERVER)}${auth ? ', token: () => session.token' : ''} })
for await (const { content } of client.call(${quoted(`${method} ${endpoint.path}`)}, ${JSON.stringify(inputs)})) {
  console.log(content)
}
`
    case 'EventSource':
      return method === 'GET'
        ? `const key = crypto.randomUUID()
const source = new EventSource(${quoted(`${url}${url.includes('?') ? '&' : '?'}idempotency_key=`)} + key)
${LISTEN}`
        : `// An EventSource can only GET: start the run, then follow it.
const response = await fetch(${quoted(url)}, {
  method: ${quoted(method)},
  headers: { 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() },
  body: JSON.stringify(${body}),
})
const source = new EventSource(${quoted(SERVER)} + response.headers.get('Stream-Url'))
${LISTEN}`
    case 'Python':
      return `import json, urllib.request

request = urllib.request.Request(
    ${quoted(url)},
    method=${quoted(method)},
    headers={"Accept": "application/x-ndjson"${hasBody ? ', "Content-Type": "application/json"' : ''}${auth ? ', "Authorization": "Bearer " + token' : ''}},${hasBody ? `\n    data=json.dumps(json.loads(${quoted(body)})).encode(),` : ''}
)
with urllib.request.urlopen(request) as answer:
    for line in answer:
        if line.strip():
            print(json.loads(line))
`
    case 'WeWeb':
      return `REST API action
URL: ${url}
Method: ${method}
Stream the response: yes
${hasBody ? `Body (raw JSON, bound as text): ${body}` : ''}
`
    default:
      return JSON.stringify(
        {
          nodes: [
            {
              name: 'Streamstack',
              type: 'n8n-nodes-streamstack.streamstack',
              typeVersion: 1,
              position: [0, 0],
              parameters: {
                resource: 'endpoint',
                operation: 'call',
                endpoint: { __rl: true, mode: 'name', value: `${method} ${endpoint.path}` },
                inputs: JSON.stringify(inputs),
                output: 'chunks',
                options: {},
              },
            },
          ],
          connections: {},
        },
        null,
        2,
      )
  }
}

function filledPath(
  { path }: Endpoint,
  inputs: Readonly<Record<string, unknown>>,
): { path: string; rest: Record<string, unknown> } {
  const rest = { ...inputs }
  const filled = path.replaceAll(/:(\w+)/g, (_all, name: string) => {
    const value = rest[name]
    delete rest[name]
    return encodeURIComponent(
      value === undefined ? `:${name}` : typeof value === 'string' ? value : JSON.stringify(value),
    )
  })
  return { path: filled, rest }
}

function quoted(text: string): string {
  return JSON.stringify(text)
}

function shell(text: string): string {
  return /^[\w:/.?=&%-]+$/.test(text) && !text.includes('&') ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
