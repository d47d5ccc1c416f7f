import type { Outcome } from '@streamstack/protocol'
import type { EndpointDefinition } from '../definition/index.ts'
import type { TestCase, TestFile } from '../test/index.ts'

/** A call that a test of the workspace makes, as an example for other tools. */
export interface TestedCall {
  /** Segments, percent-encoded. */
  readonly path: readonly string[]
  /** Decoded. */
  readonly query: readonly (readonly [key: string, value: string])[]
  /** Null: no body. */
  readonly body: string | null
  /** What the test expects of the stream. */
  readonly outcome: Outcome
  /** What the test expects of the answer; null: it does not say. */
  readonly status: number | null
}

/**
 * The first test that calls the endpoint and expects an outcome or, of a plain answer, a status; one that succeeds before all others. Tests with `upstreams` or headers
 * of their own do not count, because the call alone does not have their result, nor do tests without a caller where the endpoint asks for a token, which the request of
 * another tool carries. Null: there is none.
 */
export function testedCall(endpoint: EndpointDefinition, files: readonly TestFile[]): TestedCall | null {
  const calls = files
    .filter(({ issues }) => issues.length === 0)
    .flatMap(({ cases }) => cases)
    .flatMap((one) => {
      const { request, status, caller, upstreams } = one
      // A path such as `//[` is none.
      const url = URL.parse(request.path, 'http://localhost')
      if (url === null || (endpoint.access.authentication && caller === null)) return []
      const { pathname, searchParams } = url
      const path = pathname.split('/').slice(1)
      const isPlain = upstreams.length === 0 && Object.keys(request.headers).length === 0
      const outcome = expectedOutcome(endpoint, one)
      if (outcome === null || !isPlain || request.method !== endpoint.method || !fits(path, endpoint.path)) return []
      return [{ path, query: [...searchParams], body: request.body, outcome, status }]
    })
  return calls.find(({ outcome }) => outcome === 'completed') ?? calls[0] ?? null
}

/** What the test names, or what the status of a plain answer means. */
function expectedOutcome({ responseType }: EndpointDefinition, { outcome, status }: TestCase): Outcome | null {
  if (outcome !== null || status === null || responseType === 'streaming') return outcome
  return status < 400 ? 'completed' : 'failed'
}

function fits(path: readonly string[], pattern: string): boolean {
  const wanted = pattern.split('/').slice(1)
  return (
    wanted.length === path.length &&
    wanted.every((segment, index) => segment.startsWith(':') || segment === path[index])
  )
}
