import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readTests, runTests } from './run-tests.ts'

const TEST = `
tests:
  - name: counts
    request: { path: /count }
    timeout: 1800ms
    expect:
      status: 200
      headers: { content-type: { contains: ndjson }, x-kind: test }
      chunks: [one, two, three, { content: { n: 4 }, metadata: { index: 3 } }, '[DONE]']
      rising: metadata.index
      none: [{ contains: secret }]
      outcome: completed
      error: null
      time: { first_chunk: 600ms, gap: 600ms, total: 1s }
    validation:
      - Stream completes with [DONE] signal
      - No errors or connection drops
    faults:
      - cut: 2
      - slow: 100kb
`

interface Line {
  offset?: number
  type: string
  content?: unknown
  metadata?: object | null
  outcome?: string
  error?: object | null
}

/** A part of what a stream is made of, changed by a fault. */
interface Wire {
  status: number
  headers: Record<string, string>
  lines: Line[]
  /** Pause before a line, by its index. */
  pauseMs: Record<number, number>
  /** How the connection ends. */
  ending: 'end' | 'cut' | 'reset' | 'hang'
  /** First offset that a reader who resumes gets, from the one that it asks for. */
  resumeShift: number
}

const CONTENTS = ['one', 'two', 'three', { n: 4 }, '[DONE]']

function sound(): Wire {
  const chunks = CONTENTS.map((content, index) => ({ offset: index + 1, type: 'chunk', content, metadata: { index } }))
  return {
    status: 200,
    headers: { 'content-type': 'application/x-ndjson; charset=utf-8', 'x-kind': 'test', 'stream-run': 'r1' },
    lines: [...chunks, { type: 'end', outcome: 'completed', offset: 5, error: null }],
    pauseMs: {},
    ending: 'end',
    resumeShift: 0,
  }
}

function line(lines: readonly Line[], index: number): Line {
  const found = lines.at(index)
  if (found === undefined) throw new Error('There is no such line.')
  return found
}

/** What was wrong with streams of this and other servers; each must be found, and named by the expectation in question. */
const FAULTS: readonly [name: string, told: RegExp, change: (wire: Wire) => void][] = [
  ['a dropped chunk', /chunks|offset/, ({ lines }) => void lines.splice(1, 1)],
  ['a doubled chunk', /chunks|offset/, ({ lines }) => void lines.splice(1, 0, line(lines, 1))],
  ['reordered chunks', /chunks|rising/, ({ lines }) => void lines.splice(1, 2, line(lines, 2), line(lines, 1))],
  ['a changed text', /chunks/, ({ lines }) => void (line(lines, 1).content = 'too')],
  ['a number that became text', /chunks/, ({ lines }) => void (line(lines, 3).content = { n: '4' })],
  [
    'an extra chunk at the end',
    /DONE|chunks/,
    ({ lines }) => void lines.splice(5, 0, { offset: 6, type: 'chunk', content: 'more', metadata: { index: 5 } }),
  ],
  [
    'a null that was sent',
    /chunks/,
    ({ lines }) => void lines.splice(4, 0, { offset: 5, type: 'chunk', content: null, metadata: { index: 4 } }),
  ],
  ['lost metadata', /chunks|rising/, ({ lines }) => lines.forEach((line) => (line.metadata = null))],
  ['a gap in the metadata', /rising/, ({ lines }) => void (line(lines, 2).metadata = { index: 7 })],
  ['a secret in a chunk', /none/, ({ lines }) => void (line(lines, 0).content = 'the secret')],
  ['a late first chunk', /first_chunk/, ({ pauseMs }) => void (pauseMs[0] = 900)],
  ['a stalled gap', /gap/, ({ pauseMs }) => void (pauseMs[3] = 900)],
  ['a slow end', /total/, ({ pauseMs }) => Object.assign(pauseMs, { 1: 300, 2: 300, 3: 300, 4: 300, 5: 300 })],
  ['a missing end', /outcome|drops/, ({ lines }) => void lines.pop()],
  ['a wrong outcome', /outcome/, ({ lines }) => void (line(lines, -1).outcome = 'failed')],
  ['a missing marker', /DONE|chunks/, ({ lines }) => void lines.splice(4, 1)],
  [
    'an error in band',
    /error|drops/,
    ({ lines }) => void lines.splice(2, 0, { offset: 3, type: 'error', error: { code: 'boom', message: 'It broke.' } }),
  ],
  [
    'a connection that closes early',
    /outcome|drops/,
    (wire) => Object.assign(wire, { ending: 'cut', lines: wire.lines.slice(0, 3) }),
  ],
  [
    'a connection that breaks',
    /outcome|drops/,
    (wire) => Object.assign(wire, { ending: 'reset', lines: wire.lines.slice(0, 3) }),
  ],
  [
    'a stream that hangs',
    /outcome|drops/,
    (wire) => Object.assign(wire, { ending: 'hang', lines: wire.lines.slice(0, 3) }),
  ],
  ['another status', /status/, (wire) => Object.assign(wire, { status: 201 })],
  ['a missing header', /headers/, ({ headers }) => void delete headers['x-kind']],
  ['a resume that skips', /offset|chunks/, (wire) => Object.assign(wire, { resumeShift: 1 })],
  ['a resume that repeats', /offset|chunks/, (wire) => Object.assign(wire, { resumeShift: -1 })],
]

describe('streamstack test finds what is wrong with a stream', () => {
  const dir = mkdtempSync(join(tmpdir(), 'streamstack-seeded-'))
  let wire = sound()
  let server: Server
  let url = ''

  beforeAll(async () => {
    mkdirSync(join(dir, 'tests'))
    writeFileSync(join(dir, 'tests/count.yaml'), TEST)
    server = createServer((request, response) => void answer(request, response, wire))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    rmSync(dir, { recursive: true })
  })

  const failures = async (): Promise<string[]> => {
    const { results } = await runTests({
      dir,
      files: readTests(dir),
      filter: null,
      workers: 1,
      url,
      onResult: () => undefined,
      signal: new AbortController().signal,
    })
    return results.flatMap((result) =>
      result.failures.map(({ title, message }) => `${result.name}: ${title ?? ''}: ${message}`),
    )
  }

  test('and nothing with one that is sound', async () => {
    wire = sound()
    expect(readTests(dir).flatMap(({ issues }) => issues)).toEqual([])
    expect(await failures()).toEqual([])
  })

  test.each(FAULTS)('%s', async (_name, told, change) => {
    wire = sound()
    change(wire)
    const found = await failures()
    expect(found).not.toEqual([])
    expect(found.join('\n')).toMatch(told)
  })
})

async function answer(request: IncomingMessage, response: ServerResponse, wire: Wire): Promise<void> {
  const { status, headers, lines, pauseMs, ending, resumeShift } = wire
  const after = request.headers['last-event-id']
  const from = after === undefined ? 0 : Number(after) + resumeShift
  response.on('error', () => undefined)
  response.writeHead(status, headers)
  for (const [index, line] of lines.entries()) {
    if (line.offset !== undefined && line.type !== 'end' && line.offset <= from) continue
    const ms = after === undefined ? pauseMs[index] : undefined
    if (ms !== undefined) await pause(ms)
    response.write(`${JSON.stringify(line)}\n`)
    // The reader of a fault leaves in between: what comes in one piece it would have read.
    await pause(5)
  }
  if (ending === 'end') response.end()
  else if (ending === 'cut') response.socket?.end()
  else if (ending === 'reset') response.socket?.resetAndDestroy()
}
