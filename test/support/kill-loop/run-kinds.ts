import { endpoint, send } from '../test-server.ts'

/** Runs of one sort: what they do, and what each of them must send, chunk by chunk. */
export interface RunKind {
  readonly name: string
  readonly count: number
  readonly stack: readonly object[]
  /** Content and metadata of the chunk at an offset. */
  readonly chunk: (id: string, offset: number) => { content: unknown; metadata: object | null }
}

const PADDING = 'Chunks that take several pages of the file. '.repeat(1_000)
const N = '{{loop_index + 1}}'

const sleep = (duration: number): object => ({ function: 'Sleep', duration })
const times = (count: number, ...steps: object[]): object => ({ function: 'For', count, inner_functions: steps })

/** As fast as the disk takes them; one by one; large; with metadata; in small bits as models send them. */
export const runKinds: readonly RunKind[] = [
  {
    name: 'fast',
    count: 4_000,
    stack: [times(4_000, send(`{{id}} ${N}`))],
    chunk: (id, offset) => ({ content: `${id} ${offset}`, metadata: null }),
  },
  {
    name: 'paced',
    count: 120,
    stack: [times(120, send({ id: '{{id}}', n: N }), sleep(7))],
    chunk: (id, offset) => ({ content: { id, n: offset }, metadata: null }),
  },
  {
    name: 'large',
    count: 30,
    stack: [times(30, send(`{{id}} ${N} ${PADDING}`), sleep(25))],
    chunk: (id, offset) => ({ content: `${id} ${offset} ${PADDING}`, metadata: null }),
  },
  {
    name: 'metadata',
    count: 600,
    stack: [times(600, send(N, { id: '{{id}}', left: '{{600 - loop_index}}' }), sleep(1))],
    chunk: (id, offset) => ({ content: offset, metadata: { id, left: 601 - offset } }),
  },
  {
    name: 'words',
    count: 300,
    stack: [times(300, send(` ${N},\n"`), sleep(3))],
    chunk: (_id, offset) => ({ content: ` ${offset},\n"`, metadata: null }),
  },
]

/** The workspace that serves them. */
export function runKindFiles(): Record<string, unknown> {
  const endpoints = runKinds.map(({ name, stack }) => [
    `endpoints/${name}.json`,
    endpoint(`/${name}`, stack, {
      method: 'POST',
      inputs: { id: { type: 'text', required: true } },
      settings: { delivery: 'durable', on_disconnect: 'continue' },
    }),
  ])
  return {
    'streamstack.yaml': {
      log: { level: 'error' },
      server: { stop_grace: '300ms' },
      streams: { durable_retention: '2m' },
    },
    ...Object.fromEntries(endpoints),
  }
}
