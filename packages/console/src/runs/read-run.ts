import { type ListedRun, type Workspace, api, clientOf, session } from '../api.ts'
import type { ShownChunk } from '../run/chunk-store.ts'
import { withoutSecrets } from '../run/secret-input.ts'
import { inputsOf } from './known-inputs.ts'
import { type Recording, madeUpTime, timesOf } from './recording.ts'

/** A run as `GET /v1/workspace/runs/<id>` describes it. */
interface DescribedRun extends ListedRun {
  readonly error: { readonly code: string; readonly message: string } | null
  readonly first_offset: number
  readonly inputs: Readonly<Record<string, unknown>> | null
  readonly hidden_inputs: readonly string[]
  readonly times: readonly (readonly [offset: number, atMs: number])[] | null
}

/** Reads a run that the server keeps, with its trace where it has one; one that goes on is read to its end. Throws ApiError. */
export async function readRun(
  run: string,
  workspace: Workspace | null,
  { signal, onCount }: { signal: AbortSignal; onCount: (chunks: number) => void },
): Promise<Recording> {
  const client = clientOf(session.token)
  const { first_offset: after } = await api<DescribedRun>(`/v1/workspace/runs/${run}`)
  const chunks: ShownChunk[] = []
  const { outcome, error } = await new Promise<{ outcome: string | null; error: Error | null }>((resolve) => {
    // The oldest chunks may be gone.
    const stream = client.read(`/v1/stream/runs/${run}`, { signal, kinds: 'all', after })
    stream.on('chunk', ({ offset, content, kind, metadata }) => {
      chunks.push({ offset, content, kind, metadata })
      onCount(chunks.length)
    })
    stream.on('end', resolve)
  })
  const described = await api<DescribedRun>(`/v1/workspace/runs/${run}`)
  const trace = await traceOf(run, signal)
  const [method = 'GET', path = '/'] = described.route.split(' ')
  const endpoint = workspace?.endpoints.find((one) => one.method === method && one.path === path)
  const times = timesOf(
    chunks.map(({ offset }) => offset),
    described.times,
  )
  const endedAt = described.ended_at === null ? Date.now() : Date.parse(described.ended_at)
  const fault = described.error ?? (error === null ? null : { code: 'failed', message: error.message })
  return {
    streamstack_run: 1,
    run,
    method,
    path,
    stack: endpoint?.stack ?? [],
    inputs: withoutSecrets(inputsOf(run) ?? described.inputs),
    started_at: described.started_at,
    outcome: outcome ?? described.outcome ?? 'stopped',
    error: fault === null ? null : { code: fault.code, message: fault.message },
    elapsed_ms: Math.max(0, endedAt - Date.parse(described.started_at)),
    is_timed: times !== null,
    chunks: chunks.map((chunk, index) => ({ ...chunk, at: times?.[index] ?? madeUpTime(index) })),
    trace,
  }
}

/** Empty: the run was called without one, or it is no longer kept. */
async function traceOf(run: string, signal: AbortSignal): Promise<unknown[]> {
  const stream = clientOf(session.token).read(`/v1/stream/runs/${run}/trace`, { signal })
  const { chunks } = await stream.result().catch(() => ({ chunks: [] }))
  return chunks.map(({ content }) => content)
}
