import type { CallReport } from '../http/index.ts'
import type { Colors } from './io.ts'
import { counted } from './issue-lines.ts'

/** `DELETE`. */
const METHOD_WIDTH = 6

/**
 * A call for the developer who watches: `POST /api/chat 200 completed, first chunk 3 ms, 1.2 s, 14 chunks`. Refusals are followed by their
 * reason, and origins that pages may not call from by the setting that allows them.
 */
export function callLines(call: CallReport, colors: Colors): readonly string[] {
  const { method, path, status, outcome, error, firstChunkMs, durationMs, chunks, refusedOrigin } = call
  const { bold, dim, yellow } = colors
  const paint = colorOf(call, colors)
  const result = outcome ?? error?.code ?? null
  const facts = [
    ...(firstChunkMs === null ? [] : [`first chunk ${duration(firstChunkMs)}`]),
    duration(durationMs),
    ...(chunks === null ? [] : [counted(chunks, 'chunk')]),
  ]
  const head = [method.padEnd(METHOD_WIDTH), bold(path), paint(String(status ?? 'no answer'))]
  const lines = [`${head.join(' ')} ${result === null ? '' : `${paint(result)}, `}${dim(facts.join(', '))}`]
  if (error !== null) lines.push(dim(oneLine(error.message)))
  if (refusedOrigin !== null) {
    lines.push(
      yellow(
        `Pages of ${refusedOrigin} may not read this. To allow them, list it under \`server.cors.origins\` in streamstack.yaml.`,
      ),
    )
  }
  return lines
}

function colorOf({ status, outcome }: CallReport, { green, yellow, red }: Colors): (text: string) => string {
  if (status === null || status >= 500 || outcome === 'failed' || outcome === 'abandoned') return red
  if (status >= 400 || outcome === 'cancelled' || outcome === 'disconnected') return yellow
  return green
}

/** `3 ms`, `1.2 s`. */
function duration(ms: number): string {
  return ms < 1_000 ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}

/** Messages may quote what a caller sent, and a terminal must not act on that. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
}
