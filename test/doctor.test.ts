import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { commandLine } from '@streamstack/test-support/command-line'
import { withEnoughTime } from '@streamstack/test-support/enough-time'
import { type Meddling, meddlingProxy } from '@streamstack/test-support/meddling-proxy'
import { type TestServer, endpoint, send, testServer } from '@streamstack/test-support/test-server'

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/tls/${name}.pem`, import.meta.url))
const files = { 'endpoints/a.json': endpoint('/a', [send('a')]) }

interface Finding {
  check: string
  verdict: 'ok' | 'warning' | 'problem'
  seen: string
  cures: string[]
}

interface Report {
  url: string
  ok: boolean
  proxies: { name: string }[]
  findings: Finding[]
}

const server = (settings: object = {}): Promise<TestServer> => testServer({ ...files, 'streamstack.yaml': settings })

/** What `doctor --json` reports, and how it exits. `pace` multiplies the time between two events. */
async function report(
  pace: number,
  ...args: readonly string[]
): Promise<Report & { code: number; of(check: string): Finding[] }> {
  using line = commandLine()
  const { code, out, err } = await line.run('doctor', ...args, '--json', '--interval', `${40 * pace}`)
  expect(err).toBe('')
  const read = JSON.parse(out) as Report
  expect(code).toBe(read.ok ? 0 : 1)
  return { ...read, code, of: (check) => read.findings.filter((one) => one.check === check) }
}

/** The report on a server behind a proxy. */
async function behind(
  pace: number,
  meddling: Meddling,
  settings: object = {},
  ...args: readonly string[]
): ReturnType<typeof report> {
  await using origin = await server(settings)
  await using proxy = await meddlingProxy(origin.url, meddling)
  return await report(pace, proxy.url, ...args)
}

const verdicts = ({ findings }: Report, verdict: Finding['verdict']): string[] =>
  findings.filter((one) => one.verdict === verdict).map(({ check }) => check)

/** The doctor judges by when events arrive. Where a busy machine makes them late, it looks again with twice the time between them. */
const timed = (act: (pace: number) => Promise<void>): (() => Promise<void>) => {
  return async () => await withEnoughTime(act, 1, 8)
}

describe.concurrent('doctor', () => {
  test(
    'finds no problem on a straight connection, and says so in words',
    timed(async (pace) => {
      await using origin = await server({ server: { cors: { origins: ['https://app.example'] } } })
      using line = commandLine()
      const { code, out, err } = await line.run(
        'doctor',
        origin.url,
        '--interval',
        `${40 * pace}`,
        '--origin',
        'https://app.example',
      )
      expect({ code, err }).toEqual({ code: 0, err: '' })
      for (const check of [
        'reachable',
        '(?:buffering|delay)',
        'body',
        'request headers',
        'leaving',
        'CORS',
        'WebSocket',
      ])
        expect(out).toMatch(new RegExp(`^(?:ok|warning) +${check} `, 'm'))
      expect(out).not.toMatch(/^problem/m)
      expect(out).toMatch(new RegExp(`(?:no problems|warnings?) at ${origin.url}\\n$`))
      expect(out).not.toContain('\u001B[')
    }),
  )

  test(
    'finds no problem behind a proxy that does nothing',
    timed(async (pace) => {
      const found = await behind(pace, { upgrade: 'passes' })
      expect(verdicts(found, 'problem')).toEqual([])
      expect(found.proxies).toEqual([])
    }),
  )

  test(
    'names a proxy that holds everything back, and its cure',
    timed(async (pace) => {
      const found = await behind(pace, { holdBytes: Infinity, add: { server: 'nginx/1.22.1' } })
      expect(verdicts(found, 'problem')).toEqual(['buffering'])
      expect(found.proxies).toEqual([expect.objectContaining({ name: 'nginx' })])
      expect(found.of('buffering')[0]?.seen).toMatch(/arrived together.*until the stream is over/)
      expect(found.of('buffering')[0]?.cures.join()).toContain('proxy_buffering off;')
      expect(found.of('buffering')[0]?.cures.join()).not.toContain('Caddy')
    }),
  )

  test.each([4, 16])('tells the size of a buffer: %i KiB', (kib) =>
    timed(async (pace) => {
      const found = await behind(pace, { holdBytes: kib * 1024 })
      expect(found.of('buffering')).toMatchObject([
        { verdict: 'problem', seen: expect.stringContaining(`until there are about ${kib} KiB`) as string },
      ])
    })(),
  )

  test(
    'tells compression that holds back from compression that does not',
    timed(async (pace) => {
      const bad = await behind(pace, { gzip: 'when full', add: { via: '1.1 varnish' } })
      expect(verdicts(bad, 'problem')).toEqual(['buffering', 'compression'])
      expect(bad.of('compression')[0]?.cures.join()).toContain('do_gzip = false')
      const harmless = await behind(pace, { gzip: 'at once' })
      expect(harmless.code).toBe(0)
      expect(harmless.of('compression')).toMatchObject([{ verdict: 'warning' }])
    }),
  )

  test(
    'finds bodies that were changed',
    timed(async (pace) => {
      const found = await behind(pace, { rewrite: ['event: tick', 'event:  tick'] })
      expect(found.of('body')).toMatchObject([{ verdict: 'problem' }])
    }),
  )

  test(
    'finds headers that get lost on the way to the server',
    timed(async (pace) => {
      const found = await behind(pace, { dropRequest: ['Last-Event-ID', 'Authorization'] })
      expect(verdicts(found, 'problem')).toEqual(['request headers'])
      expect(found.of('request headers')[0]?.seen).toMatch(/Authorization.*Last-Event-ID/)
      expect(found.of('request headers')[0]?.seen).not.toContain('Idempotency-Key')
    }),
  )

  test(
    'finds headers that get lost on the way back',
    timed(async (pace) => {
      const found = await behind(pace, { dropAnswer: ['Stream-Url', 'Cache-Control', 'Content-Type'] })
      const all = found.of('answer headers').map(({ seen }) => seen)
      expect(all).toEqual([
        expect.stringContaining('Content-Type arrives as nothing'),
        expect.stringMatching(/^Stream-Url did not arrive/),
        expect.stringContaining('Cache-Control arrives as nothing'),
      ])
      const harmless = await behind(pace, { dropAnswer: ['X-Accel-Buffering'] })
      expect(verdicts(harmless, 'problem')).toEqual([])
    }),
  )

  test(
    'finds a proxy that reads on when its client has left',
    timed(async (pace) => {
      const found = await behind(pace, { readsOn: true, add: { via: '1.1 varnish' } })
      expect(verdicts(found, 'problem')).toEqual(['leaving'])
      expect(found.of('leaving')[0]?.cures.join()).toContain('return (pipe);')
    }),
  )

  test(
    'finds an idle timeout that heartbeats prevent, and one that they do not',
    timed(async (pace) => {
      const kept = await behind(
        pace,
        { idleMs: 500 * pace },
        { streams: { heartbeat: `${100 * pace}ms` } },
        '--long',
        `${1_500 * pace}ms`,
      )
      expect(kept.code).toBe(0)
      expect(kept.of('silence')).toMatchObject([{ verdict: 'ok' }])
      expect(kept.of('idle timeout')).toMatchObject([{ verdict: 'warning' }])
      const cut = await behind(
        pace,
        { idleMs: 500 * pace },
        { streams: { heartbeat: `${5 * pace}s` } },
        '--long',
        `${1_500 * pace}ms`,
      )
      expect(cut.of('silence')).toMatchObject([
        { verdict: 'problem', seen: expect.stringContaining('before the first heartbeat') as string },
      ])
      expect(cut.of('idle timeout')[0]?.cures.join()).toMatch(/streams: { heartbeat: \ds }/)
    }),
  )

  test(
    'finds a bound on the time of a whole answer',
    timed(async (pace) => {
      const found = await behind(
        pace,
        { totalMs: 1_000 * pace },
        { streams: { heartbeat: `${100 * pace}ms` } },
        '--long',
        `${2 * pace}s`,
      )
      expect(found.of('silence')).toMatchObject([
        { verdict: 'problem', seen: expect.stringContaining('bounds the whole answer') as string },
      ])
    }),
  )

  test(
    'finds a stream that is cut while it flows',
    timed(async (pace) => {
      const found = await behind(pace, { totalMs: 150 * pace, add: { server: 'awselb/2.0' } })
      expect(found.of('cut')).toMatchObject([
        { verdict: 'problem', cures: [expect.stringContaining('idle_timeout') as string] },
      ])
    }),
  )

  test(
    'tells whose fault it is when a page may not call',
    timed(async (pace) => {
      const cors = { server: { cors: { origins: ['https://app.example'] } } }
      const setting = await behind(pace, {}, {}, '--origin', 'https://app.example')
      expect(setting.of('CORS')[0]).toMatchObject({
        verdict: 'problem',
        cures: [expect.stringContaining('server: { cors: { origins: ["https://app.example"] } }')],
      })
      const twice = await behind(
        pace,
        { add: { 'access-control-allow-origin': '*' } },
        cors,
        '--origin',
        'https://app.example',
      )
      expect(twice.of('CORS')[0]?.seen).toContain('stands twice')
      const hidden = await behind(
        pace,
        { dropAnswer: ['Access-Control-Expose-Headers'] },
        cors,
        '--origin',
        'https://app.example',
      )
      expect(hidden.of('CORS')).toMatchObject([
        { verdict: 'problem', seen: expect.stringContaining('stream-url') as string },
      ])
      const lost = await behind(pace, { dropRequest: ['Origin'] }, cors, '--origin', 'https://app.example')
      expect(lost.of('CORS')[0]?.seen).toBe('The header Origin does not reach the server.')
    }),
  )

  test(
    'finds a proxy that turns upgrades down',
    timed(async (pace) => {
      const found = await behind(pace, { upgrade: 'refused', add: { server: 'nginx' } })
      expect(verdicts(found, 'problem')).toEqual(['WebSocket'])
      expect(found.of('WebSocket')[0]).toMatchObject({
        seen: expect.stringContaining('400 by something before the server') as string,
      })
      expect(found.of('WebSocket')[0]?.cures.join()).toContain('proxy_set_header Upgrade')
    }),
  )

  test(
    'tells a lost Upgrade from a server without WebSocket',
    timed(async (pace) => {
      await using origin = await server()
      // What a WebSocket route says to an ordinary GET.
      const answer = {
        path: '/v1/ws',
        status: 426,
        headers: { 'content-type': 'application/problem+json' },
        body: '{}',
      }
      await using inner = await meddlingProxy(origin.url, { answer })
      await using outer = await meddlingProxy(inner.url, { upgrade: 'lost' })
      const found = await report(pace, outer.url)
      expect(found.of('WebSocket')).toMatchObject([
        { verdict: 'problem', seen: expect.stringContaining('the header Upgrade was taken away') as string },
      ])
    }),
  )

  test(
    'finds answers that a cache gives out again',
    timed(async (pace) => {
      const found = await behind(pace, { caches: true, add: { 'cf-ray': '1' } })
      expect(found.of('caching')).toMatchObject([{ verdict: 'problem' }])
    }),
  )

  test.each([
    [{ status: 502, headers: { server: 'nginx' }, body: '' }, /not Streamstack: status 502/, /proxy_pass/],
    [{ status: 401, body: '' }, /status 401/, /--header/],
    [
      { status: 301, headers: { location: 'https://api.example/v1/probe' } },
      /redirects to https:\/\/api\.example:/,
      /doctor https:\/\/api\.example$/,
    ],
    [
      { status: 200, headers: { 'content-type': 'text/html' }, body: '<p>Hello' },
      /not Streamstack: status 200, text\/html/,
      /\/v1\//,
    ],
  ])('says what answers instead of a server: %j', async (answer, seen, cure) => {
    await using proxy = await meddlingProxy('http://127.0.0.1:9', { answer })
    const found = await report(1, proxy.url)
    expect(found.code).toBe(1)
    expect(found.findings).toHaveLength(1)
    expect(found.findings[0]?.seen).toMatch(seen)
    expect(found.findings[0]?.cures.join()).toMatch(cure)
  })

  test('says in plain words why nothing answers', async () => {
    const refused = await report(1, 'http://127.0.0.1:1')
    expect(refused.findings).toMatchObject([{ verdict: 'problem', seen: 'Nothing listens at 127.0.0.1:1.' }])
    const nameless = await report(1, 'https://nowhere.invalid')
    expect(nameless.findings[0]?.seen).toMatch(/^The name nowhere\.invalid has no address\.|^The name server/)
  })

  test(
    'says which address was meant: one of plain HTTP, one without a path',
    timed(async (pace) => {
      await using origin = await server()
      const tls = await report(pace, origin.url.replace('http:', 'https:'))
      expect(tls.of('reachable')).toEqual([
        {
          check: 'reachable',
          verdict: 'problem',
          seen: expect.stringContaining('plain HTTP'),
          cures: [expect.stringContaining('http://')],
        },
      ])
      const below = await report(pace, `${origin.url}/a`)
      const [found] = below.of('reachable')
      expect(found?.seen).toContain('/a')
      expect(found?.cures[0]).toBe(`Give the address without a path: streamstack doctor ${origin.url}`)
      expect(JSON.stringify(below)).not.toContain('Update the server')
    }),
  )

  test(
    'reads over HTTP/2, and takes a bad certificate only when told to',
    timed(async (pace) => {
      await using origin = await server({ server: { tls: { cert: fixture('cert'), key: fixture('key') } } })
      const distrusting = await report(pace, origin.url)
      expect(distrusting.findings).toMatchObject([
        { verdict: 'problem', seen: expect.stringContaining('signed by itself') as string },
      ])
      const found = await report(pace, origin.url, '--insecure')
      expect(verdicts(found, 'problem')).toEqual([])
      expect(found.of('HTTP version')).toMatchObject([
        { verdict: 'ok', seen: expect.stringContaining('HTTP/2') as string },
      ])
      expect(found.of('leaving')).toMatchObject([{ verdict: 'ok' }])
    }),
  )

  test(
    'never shows the value of a header',
    timed(async (pace) => {
      await using origin = await server()
      using line = commandLine()
      const told = await line.run(
        'doctor',
        origin.url,
        '--interval',
        `${10 * pace}`,
        '--header',
        'Authorization: Bearer s3cret',
      )
      expect(told.code).toBe(0)
      const wrong = await line.run('doctor', origin.url, '--header', 's3cret')
      expect(wrong.code).toBe(1)
      expect(wrong.err).toContain('"Name: value"')
      expect(told.out + told.err + wrong.out + wrong.err).not.toContain('s3cret')
    }),
  )

  test.each([
    [['ftp://example.com'], /https:\/\/api\.example\.com/],
    [['http://user:word@127.0.0.1'], /--header/],
    [['http://127.0.0.1', '--long', 'soon'], /--long must be a duration/],
    [['http://127.0.0.1', '--origin', 'https://app.example/page'], /must be an origin/],
    [['http://127.0.0.1', '--interval', '1'], /from 10 to 2000/],
  ])('refuses %j with the cure', async (args, cure) => {
    using line = commandLine()
    const { code, out, err } = await line.run('doctor', ...args)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(cure)
    expect(err).not.toContain('word@')
  })
})
