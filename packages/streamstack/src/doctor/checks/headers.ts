import { randomUUID } from 'node:crypto'
import { curesOf } from '../cures.ts'
import type { Examination, ProbeReading } from '../examination.ts'
import { type Finding, ok, problem, warning } from '../finding.ts'
import { listed } from '../words.ts'

/** Whether the answer's headers arrive as the server sets them. */
export function responseHeaders({ proxies }: Examination, { exchange, id }: ProbeReading): readonly Finding[] {
  const headers = exchange.head?.headers ?? {}
  const check = 'answer headers'
  const findings: Finding[] = []
  const cures = curesOf('response-headers', proxies)
  const type = headers['content-type']
  if (type?.startsWith('text/event-stream') !== true) {
    findings.push(
      problem(
        check,
        `Content-Type arrives as ${type ?? 'nothing'} instead of text/event-stream: EventSource refuses it.`,
        cures,
      ),
    )
  }
  const lost = ['Stream-Run', 'Stream-Url'].filter((name) => headers[name.toLowerCase()] === undefined)
  if (lost.length > 0) {
    findings.push(problem(check, `${listed(lost)} did not arrive: clients cannot come back to their run.`, cures))
  } else if (!(headers['stream-url'] ?? '').endsWith(`/v1/probe/${id}`)) {
    findings.push(problem(check, 'Stream-Url was rewritten: clients cannot come back to their run.', cures))
  }
  if (headers['cache-control']?.includes('no-transform') !== true) {
    findings.push(
      warning(
        check,
        `Cache-Control arrives as ${headers['cache-control'] ?? 'nothing'}: further proxies, as those of phone networks, may hold, keep or compress the stream.`,
        cures,
      ),
    )
  }
  return findings.length > 0
    ? findings
    : [ok(check, 'Content-Type, Cache-Control, Stream-Run and Stream-Url arrive as they are sent.')]
}

/** Whether what clients send reaches the server. */
export async function requestHeaders(examination: Examination): Promise<readonly Finding[]> {
  const { proxies, options } = examination
  const check = 'request headers'
  const key = randomUUID()
  const authorized = Object.keys(options.headers).some((name) => name.toLowerCase() === 'authorization')
  const { seen, exchange } = await examination.probe({
    headers: {
      'Last-Event-ID': '7',
      'Idempotency-Key': key,
      // No token: only whether such a header arrives is asked.
      ...(authorized ? {} : { Authorization: 'Bearer streamstack-doctor' }),
    },
  })
  if (seen === null) {
    const status = exchange.head?.status
    if (status === 401 || status === 403) {
      return [
        warning(check, `Something before the server answers ${status} to a token that it does not know.`, [
          'If it is meant to check tokens, give it a good one: --header "Authorization: Bearer …".',
        ]),
      ]
    }
    return [
      problem(
        check,
        'A request with Authorization, Last-Event-ID and Idempotency-Key gets no answer of the server.',
        curesOf('request-headers', proxies),
      ),
    ]
  }
  const lost: string[] = []
  if (!seen.authorization) lost.push('Authorization (tokens)')
  if (seen.last_event_id !== '7') lost.push('Last-Event-ID (coming back)')
  if (seen.idempotency_key !== key) lost.push('Idempotency-Key (no call runs twice)')
  if (seen.accept !== 'text/event-stream') lost.push('Accept (the format)')
  if (lost.length > 0) {
    return [problem(check, `Lost or changed before the server: ${listed(lost)}.`, curesOf('request-headers', proxies))]
  }
  return [ok(check, 'Authorization, Last-Event-ID, Idempotency-Key and Accept reach the server.')]
}
