import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commandLine } from '@streamstack/test-support/command-line'

const COUNTDOWN = `endpoint_settings: { method: GET, path: /api/countdown }
input_parameters: { from: { type: integer, default: 3, min: 1 } }
function_stack:
  - function: For
    count: '{{from}}'
    inner_functions:
      - { function: Streaming API Response, content: '{{from - loop_index}}', delay: 5 }
  - function: Conditional
    condition: '{{from}} > 5'
    true_branch:
      - { function: Throw Error, code: too_far, message: That is too far away. }
  - { function: Streaming API Response, content: Lift-off! }
`

const RELAY = `endpoint_settings: { method: POST, path: /api/relay, authentication: true }
function_stack:
  - function: External API Request (Streaming)
    url: https://api.example.com/chat
    method: POST
    body: { stream: true, who: '{{auth.sub}}' }
  - function: For Each
    input: '{{response}}'
    inner_functions:
      - { function: Conditional, condition: "{{item}} === '[DONE]'", true_branch: [{ function: Break }] }
      - { function: Streaming API Response, content: '{{item.delta}}' }
`

const TESTS = `tests:
  - name: counts down
    request: { path: /api/countdown, query: { from: 2 } }
    expect: { chunks: [2, 1, Lift-off!], outcome: completed, rising: offset }
    faults: [{ cut: 1 }, { slow: 10kb }]
  - name: refuses zero
    request: { path: /api/countdown?from=0 }
    expect: { status: 400, error: { code: input_invalid, message: { contains: from }, in_band: false } }
  - name: relays
    request: { method: POST, path: /api/relay }
    caller: { sub: ada, roles: [editor] }
    upstreams:
      https://api.example.com:
        headers: { content-type: text/event-stream }
        pace: 5ms
        body: |+
          data: {"delta":"Good "}

          data: {"delta":"morning"}

          data: [DONE]

    expect: { text: Good morning, count: 2, outcome: completed }
  - name: tells that an upstream broke
    request: { method: POST, path: /api/relay }
    caller: { sub: ada }
    upstreams:
      https://api.example.com:
        - body: "data: {\\"delta\\":\\"Good \\"}\\n\\ndata: {\\"delta\\":\\"x\\"}\\n\\n"
          fault: { reset: 1 }
    expect: { some: ['Good '], outcome: failed, error: { code: { contains: upstream }, in_band: true } }
`

const SETTINGS = `auth: { jwt: { secret: 'a secret of at least 32 characters, for tests' } }\n`

const WORKSPACE = {
  'api/streamstack.yaml': SETTINGS,
  'api/endpoints/countdown.yaml': COUNTDOWN,
  'api/endpoints/relay.yaml': RELAY,
  'api/tests/all.yaml': TESTS,
}

describe('streamstack test', () => {
  test('runs calls, played upstreams and faults; names what no test has run; writes JUnit', async () => {
    using line = commandLine()
    line.write(WORKSPACE)
    const { code, out, err } = await line.run('test', 'api', '--junit', 'results.xml')
    expect(`${out}${err}`).not.toContain('✗')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('✓ counts down › cut after 1 chunk and resumed')
    expect(out).toContain('6 tests passed, 0 failed')
    expect(out).toContain('GET /api/countdown  4/5 steps')
    expect(out).toMatch(/not run: endpoints\/countdown\.yaml:\d+ \w+ of Conditional/)
    const xml = readFileSync(join(line.cwd, 'results.xml'), 'utf8')
    expect(xml).toContain('<testsuite name="tests/all.yaml" tests="6" failures="0"')
  })

  test('what fails is told with its line, and the exit code is 1', async () => {
    using line = commandLine()
    const wrong = TESTS.replace('chunks: [2, 1, Lift-off!]', 'chunks: [2, 1, Touch-down!]')
    line.write({ ...WORKSPACE, 'api/tests/all.yaml': wrong })
    const { code, out } = await line.run('test', 'api', '--filter', 'counts down', '--no-coverage')
    expect(code).toBe(1)
    expect(out).toContain('tests/all.yaml:4')
    expect(out).toContain('chunk 3: expected "Touch-down!", got "Lift-off!"')
    expect(out).toContain('0 tests passed, 3 failed')
    expect(out).not.toContain('relays')
  })

  test.each([
    [
      'tests:\n  - request: { path: /x }\n    expct: { status: 200 }\n',
      'A test has no `expct`. Did you mean `expect`?',
    ],
    ['tests:\n  - request: { path: x }\n    expect: { status: 200 }\n', '`path` must begin with a slash'],
    ['tests:\n  - request: { path: /x }\n', 'The test expects nothing.'],
    ['tests:\n  - request: { path: /x }\n    expect: { outcme: failed }\n', 'Did you mean `outcome`?'],
    ['tests:\n  - request: { path: /x }\n    expect: { time: { frst_chunk: 1s } }\n', 'Did you mean `first_chunk`?'],
    [
      'tests:\n  - request: { path: /x }\n    expect: { first: { contians: x, type: string } }\n',
      'Did you mean `contains`?',
    ],
    [
      'tests:\n  - request: { path: /x }\n    validation: [Response starts in 1s]\n',
      'Did you mean `Response starts within <duration>`?',
    ],
    [
      'tests:\n  - request: { path: /x }\n    expect: { status: 200 }\n    faults: [{ cutt: 1 }]\n',
      'A fault has no `cutt`.',
    ],
    [
      'tests:\n  - request: { path: /x }\n    expect: { status: 200 }\n    upstreams: { https://a.example: { file: ../../etc/passwd } }\n',
      'outside of the workspace',
    ],
    // Timers count no further: it would be over at once.
    ['tests:\n  - request: { path: /x }\n    timeout: 60d\n    expect: { status: 200 }\n', 'of at most 24 days'],
    ['tests: {}\n', 'The file has no list `tests`.'],
  ])('a file with a fault is refused with its place and cure: %j', async (text, cure) => {
    using line = commandLine()
    line.write({ ...WORKSPACE, 'api/tests/all.yaml': text })
    const { code, out } = await line.run('test', 'api')
    expect(code).toBe(1)
    expect(out).toContain(cure)
    expect(out).toMatch(/tests\/all\.yaml:\d+:\d+/)
  })

  test('--record makes a test of a real call, which passes', async () => {
    using line = commandLine()
    line.write({ 'api/streamstack.yaml': SETTINGS, 'api/endpoints/countdown.yaml': COUNTDOWN })
    const recorded = await line.run('test', 'api', '--record', 'GET /api/countdown?from=6')
    expect(recorded).toMatchObject({ code: 0, err: '' })
    expect(recorded.out).toContain('The call ended with status 200 and the error too_far; the test expects both.')
    const { code, out } = await line.run('test', 'api', '--no-coverage')
    expect({ code, out }).toMatchObject({ code: 0 })
    expect(out).toContain('1 test passed, 0 failed')
    expect(readFileSync(join(line.cwd, 'api/tests/get-api-countdown.yaml'), 'utf8')).toContain('error: too_far')
  })

  test('--record also makes mocks of the upstreams, with which the test passes without them', async () => {
    using line = commandLine()
    const events = ['Good ', 'morning', ' and more'].map((delta) => `data: ${JSON.stringify({ delta })}\n\n`)
    const upstream = createServer((request, response) => {
      response.on('error', () => undefined)
      if (request.url === '/who') {
        response.setHeader('Set-Cookie', 'session=hidden')
        return response.writeHead(201, { 'Content-Type': 'application/json' }).end('{"name":"Ada"}')
      }
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      const all = events.join('').repeat(40)
      if (request.url === '/whole') return response.end(`${all}data: [DONE]\n\n`)
      // Closed behind what was written, which arrives however late it is read; a reset would take it back.
      return request.resume().on('end', () => response.write(all, () => response.socket?.destroy()))
    })
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
    const { port } = upstream.address() as AddressInfo
    const origin = `http://127.0.0.1:${port}`
    const relay = RELAY.replace('https://api.example.com/chat', `${origin}/{{which}}`)
      .replace('function_stack:', 'input_parameters: { which: { type: text, required: true } }\nfunction_stack:')
      .replace(
        '  - function: For Each',
        `  - { function: External API Request, url: '${origin}/who', as: who, headers: { Authorization: Bearer hidden } }
  - { function: Streaming API Response, content: 'Dear {{who.name}}' }
  - function: For Each`,
      )
    line.write({
      'api/streamstack.yaml': `${SETTINGS}outbound: { allow: ['127.0.0.1:${port}'] }\n`,
      'api/endpoints/relay.yaml': relay,
    })
    try {
      for (const which of ['whole', 'broken']) {
        const input = JSON.stringify({ which })
        const recorded = await line.run(
          'test',
          'api',
          '--record',
          'POST /api/relay',
          '--input',
          input,
          '--role',
          'editor',
        )
        expect(recorded).toMatchObject({ code: 0, err: '' })
      }
    } finally {
      upstream.closeAllConnections()
      await new Promise((resolve) => upstream.close(resolve))
    }
    const file = readFileSync(join(line.cwd, 'api/tests/post-api-relay.yaml'), 'utf8')
    expect(file).toContain('{"name":"Ada"}')
    expect(file).not.toContain('hidden')
    const broken = readFileSync(join(line.cwd, 'api/tests/post-api-relay-2.yaml'), 'utf8')
    expect(broken).toMatch(/fault:\s+reset: 120/)
    expect(broken).toContain('outcome: failed')
    expect(readFileSync(join(line.cwd, 'api/tests/recordings/post-api-relay-1.sse'), 'utf8')).toContain('[DONE]')
    const { code, out } = await line.run('test', 'api', '--no-coverage')
    expect({ code, out }).toMatchObject({ code: 0 })
    expect(out).toContain('2 tests passed, 0 failed')
  })

  test('a server that is killed and started again must end the stream of a durable run', async () => {
    using line = commandLine()
    const slow = (path: string, more: string): string => `endpoint_settings: { method: GET, path: ${path}${more} }
function_stack:
  - function: For
    count: 40
    inner_functions: [{ function: Streaming API Response, content: '{{loop_index}}', delay: 20 }]
`
    const withRestart = (path: string): string => `tests:
  - request: { path: ${path} }
    expect: { count: 40 }
    faults: [{ restart: 2 }]
`
    line.write({
      'api/endpoints/kept.yaml': slow('/api/kept', ', delivery: durable'),
      'api/endpoints/lost.yaml': slow('/api/lost', ''),
      'api/tests/kept.yaml': withRestart('/api/kept'),
      'api/tests/lost.yaml': withRestart('/api/lost'),
    })
    const { code, out } = await line.run('test', 'api', '--no-coverage')
    expect(code).toBe(1)
    expect(out).toMatch(/✓ GET \/api\/kept › server killed after 2 chunks and started again/)
    expect(out).toMatch(/✗ GET \/api\/lost › server killed after 2 chunks and started again/)
    expect(out).toContain('3 tests passed, 1 failed')
  })

  test('--watch runs the tests again when a file changes', async () => {
    using line = commandLine()
    line.write({
      'api/endpoints/countdown.yaml': COUNTDOWN,
      'api/tests/all.yaml': TESTS.split('  - name: relays')[0] ?? '',
    })
    const running = line.start('test', 'api', '--watch', '--no-coverage')
    await running.until(/4 tests passed, 0 failed\nWaiting for changes/)
    line.write({ 'api/endpoints/countdown.yaml': COUNTDOWN.replace('Lift-off!', 'Touch-down!') })
    await running.until(/countdown\.yaml changed[^]*chunk 3: expected "Lift-off!", got "Touch-down!"[^]*3 failed/)
    line.write({ 'api/endpoints/countdown.yaml': COUNTDOWN })
    await running.until(/changed[^]*changed[^]*4 tests passed, 0 failed/)
    expect(await running.stop()).toMatchObject({ code: 0, err: '' })
  })

  test('upstreams cannot be played to a server that is running', async () => {
    using line = commandLine()
    line.write(WORKSPACE)
    const { code, err } = await line.run('test', 'api', '--url', 'http://127.0.0.1:9', '--filter', 'relays')
    expect(code).toBe(1)
    expect(err).toContain('tests/all.yaml:9 The test has `upstreams`')
  })

  test('a workspace without tests says how to make one', async () => {
    using line = commandLine()
    line.write({ 'api/endpoints/countdown.yaml': COUNTDOWN })
    expect(await line.run('test', 'api')).toMatchObject({ code: 1 })
    expect((await line.run('test', 'api')).err).toContain('--record')
  })
})
