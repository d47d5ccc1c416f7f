import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from './harness/connection.ts'
import { interleave } from './harness/interleave.ts'
import { type Held, heldByAnswers } from './open-answers.ts'
import { type Report, type ScenarioOptions, count, fixed } from './harness/scenario.ts'
import { type ServerProcess, startServer } from './harness/server-process.ts'
import { median, quantile } from './harness/statistics.ts'
import { withWorkspace } from './harness/temporary-workspace.ts'

const INTERVAL_MS = 20

/** Callers come one after the other: a crowd at one moment would measure how connections are opened. */
const RAMP_MS = 1_000

/** Of an answer that is still open when its memory is looked at. */
const LONG_TOKENS = 1_000

interface Round {
  cpuUs: number
  firstMs: number[]
  latenessMs: number[]
}

/** Answers of a model through AI Reply, beside a relay by hand and a route with the AI SDK: what a token costs, and how late it is. */
export async function aiRelay({ quick, alone = false }: ScenarioOptions): Promise<Report> {
  const streams = quick ? 50 : 500
  const tokens = quick ? 25 : 100
  const rounds = quick ? 2 : 8
  const provider = await startServer('ai-provider', { tokens, intervalMs: INTERVAL_MS })
  const upstream = `http://127.0.0.1:${provider.port}`
  const held = await memoryOfAnswers(streams, quick ? [1] : [5, 10, 15, 19], alone)
  return withWorkspace(workspace(upstream), async (dir) => {
    const ours = await startServer('streamstack', { dir })
    const relay = alone ? ours : await startServer('ai-relay', { upstream })
    const sdk = alone ? ours : await startServer('ai-sdk-route', { upstream })
    const servers = [...new Set([relay, sdk, ours])]
    try {
      const results = await interleave(servers, { warmups: 2, rounds }, (server) => round(server, streams, tokens))
      // A fifth of the callers: the processor of no server is busy all the time, so what is measured is the way of a token and not a queue.
      const light = await interleave(servers, { warmups: 1, rounds }, (server) => round(server, streams / 5, tokens))
      const cpu = (server: ServerProcess): number => median((results.get(server) ?? []).map(({ cpuUs }) => cpuUs))
      const all = (server: ServerProcess, of: 'firstMs' | 'latenessMs'): number[] =>
        (results.get(server) ?? []).flatMap((one) => one[of])
      const late = (server: ServerProcess, share: number): number => quantile(all(server, 'latenessMs'), share)
      const first = (server: ServerProcess, share: number): number => quantile(all(server, 'firstMs'), share)
      const lightFirst = (server: ServerProcess, share: number): number =>
        quantile(
          (light.get(server) ?? []).flatMap(({ firstMs }) => firstMs),
          share,
        )
      const cpuRatio = cpu(ours) / cpu(relay)
      const sdkRatio = cpu(ours) / cpu(sdk)
      const lateRatio = late(ours, 0.99) / late(relay, 0.99)
      const heldMax = Math.max(...held.ours.map(({ usedBytes }) => usedBytes)) / 1_000
      const addedMs = lightFirst(ours, 0.5) - lightFirst(relay, 0.5)
      const firstRatio = lightFirst(ours, 0.99) / lightFirst(relay, 0.99)
      const lightRow = (name: string, server: ServerProcess): string[] => [
        name,
        `${fixed(lightFirst(server, 0.5), 2)} ms`,
        `${fixed(lightFirst(server, 0.99), 2)} ms`,
      ]
      const row = (name: string, server: ServerProcess): string[] => [
        name,
        `${fixed(cpu(server), 1)} µs`,
        `${fixed(first(server, 0.5), 2)} ms`,
        `${fixed(first(server, 0.99), 2)} ms`,
        `${fixed(late(server, 0.5), 2)} ms`,
        `${fixed(late(server, 0.99), 2)} ms`,
      ]
      return {
        title: `${count(streams)} answers of a model at ${1_000 / INTERVAL_MS} tokens a second`,
        method: `${streams} clients, spread over ${RAMP_MS / 1_000} s, ask for an answer of ${tokens} tokens each; ${rounds} rounds in turns. CPU is that of the server's process, all threads, for each token. A token is due at its place in the provider's pace after the first token came; lateness is what it comes later than that, the provider's own included. First tokens are also measured with a fifth of the callers: with all of them one core is nearly full, and they show how long its queue is. Memory is measured in servers of their own, with answers of ${count(LONG_TOKENS)} tokens, above what the same server holds after as many answers that their callers have left. The relay by hand parses each event and writes its text; it knows no errors, no end and no reconnecting reader.`,
        tables: [
          {
            caption: 'Server-sent events, pacing off',
            columns: ['', 'CPU a token', 'first token p50', 'p99', 'lateness p50', 'p99'],
            rows: [
              row('undici + eventsource-parser by hand', relay),
              row('Hono + AI SDK', sdk),
              row('AI Reply, `sse`', ours),
            ],
          },
          {
            caption: `The same with ${count(streams / 5)} callers`,
            columns: ['', 'first token p50', 'p99'],
            rows: [
              lightRow('undici + eventsource-parser by hand', relay),
              lightRow('Hono + AI SDK', sdk),
              lightRow('AI Reply, `sse`', ours),
            ],
          },
          {
            caption: `What each of ${count(streams)} open answers of ${count(LONG_TOKENS)} tokens holds, in use after a collection and resident, kB`,
            columns: ['', ...held.ours.map(({ seconds }) => `after ${seconds} s`)],
            rows: [heldRow('undici + eventsource-parser by hand', held.relay), heldRow('AI Reply, `sse`', held.ours)],
          },
        ],
        measures: [
          { what: 'server CPU for one token, µs', value: cpu(ours), better: 'less' },
          { what: 'first token p50, ms', value: first(ours, 0.5), better: 'less' },
          { what: 'lateness p99, ms', value: late(ours, 0.99), better: 'less' },
          { what: 'in use for each open answer, kB', value: heldMax, better: 'less' },
        ],
        goals: [
          {
            what: 'CPU a token, of the relay',
            goal: '≤ 1.5 ×',
            measured: `${fixed(cpuRatio, 2)} ×`,
            met: cpuRatio <= 1.5,
          },
          {
            what: 'CPU a token, of the AI SDK route',
            goal: '≤ 0.5 ×',
            measured: `${fixed(sdkRatio, 2)} ×`,
            met: sdkRatio <= 0.5,
          },
          {
            what: 'lateness p99, of the relay',
            goal: '≤ 1.5 ×',
            measured: `${fixed(lateRatio, 2)} ×`,
            met: lateRatio <= 1.5,
          },
          {
            what: `first token of ${count(streams / 5)} callers, p50, later than the relay`,
            goal: '≤ 1 ms',
            measured: `${fixed(addedMs, 2)} ms`,
            met: addedMs <= 1,
          },
          {
            what: `first token of ${count(streams / 5)} callers, p99, of the relay`,
            goal: '≤ 1.5 ×',
            measured: `${fixed(firstRatio, 2)} ×`,
            met: firstRatio <= 1.5,
          },
          {
            what: 'in use for each open answer, at most',
            goal: '≤ 60 kB',
            measured: `${fixed(heldMax, 1)} kB`,
            met: heldMax <= 60,
          },
        ],
      }
    } finally {
      for (const server of [...servers, provider]) await server.stop()
    }
  })
}

/** What open answers hold in servers of their own. */
async function memoryOfAnswers(
  streams: number,
  seconds: readonly number[],
  alone: boolean,
): Promise<{ ours: Held[]; relay: Held[] }> {
  const provider = await startServer('ai-provider', { tokens: LONG_TOKENS, intervalMs: INTERVAL_MS })
  const upstream = `http://127.0.0.1:${provider.port}`
  const look = async (name: string, options: unknown): Promise<Held[]> => {
    const server = await startServer(name, options)
    try {
      return await heldByAnswers(server, streams, seconds)
    } finally {
      await server.stop()
    }
  }
  try {
    const ours = await withWorkspace(workspace(upstream), (dir) => look('streamstack', { dir }))
    return { ours, relay: alone ? [] : await look('ai-relay', { upstream }) }
  } finally {
    await provider.stop()
  }
}

function heldRow(name: string, held: readonly Held[]): string[] {
  const kB = (bytes: number): string => fixed(bytes / 1_000, 0)
  return [name, ...held.map(({ usedBytes, residentBytes }) => `${kB(usedBytes)}, ${kB(residentBytes)}`)]
}

async function round(server: ServerProcess, streams: number, tokens: number): Promise<Round> {
  const beforeMs = await server.cpuMs()
  const reading = await Promise.all(
    Array.from({ length: streams }, async (_, index) => {
      await sleep((index / streams) * RAMP_MS)
      return readAnswer(server, tokens)
    }),
  )
  const cpuUs = (((await server.cpuMs()) - beforeMs) * 1_000) / (streams * tokens)
  return { cpuUs, firstMs: reading.map(({ firstMs }) => firstMs), latenessMs: reading.flatMap((one) => one.latenessMs) }
}

/** Reads one answer, checks that it has all tokens, and notes how late each is. */
async function readAnswer(server: ServerProcess, tokens: number): Promise<{ firstMs: number; latenessMs: number[] }> {
  const connection = new Connection(server.port, 16 * 1024)
  try {
    await connection.opened
    const sentAtMs = performance.now()
    const latenessMs: number[] = []
    let firstAtMs = 0
    let rest = ''
    await connection.request('/reply?format=sse', (buffer, start, end) => {
      const nowMs = performance.now()
      rest += buffer.toString('latin1', start, end)
      for (let cut = rest.indexOf('\n\n'); cut !== -1; cut = rest.indexOf('\n\n')) {
        // A text in `sse`, a delta in the AI SDK's stream.
        const isToken = /(?:^|\n)data: (?:"word |\{"type":"text-delta")/.test(rest.slice(0, cut))
        rest = rest.slice(cut + 2)
        if (!isToken) continue
        if (firstAtMs === 0) firstAtMs = nowMs
        latenessMs.push(nowMs - (firstAtMs + latenessMs.length * INTERVAL_MS))
      }
    })
    if (latenessMs.length !== tokens) throw new Error(`an answer has ${latenessMs.length} of ${tokens} tokens`)
    return { firstMs: firstAtMs - sentAtMs, latenessMs }
  } finally {
    connection.close()
  }
}

function workspace(upstream: string): Record<string, unknown> {
  return {
    'streamstack.yaml': {
      log: { level: 'error' },
      outbound: { allow: [new URL(upstream).host], max_connections: 5_000 },
    },
    'endpoints/reply.json': {
      endpoint_settings: { method: 'GET', path: '/reply' },
      function_stack: [
        { function: 'AI Reply', provider: 'openai-compatible', base_url: `${upstream}/v1`, model: 'm', messages: 'Hi' },
      ],
    },
  }
}
