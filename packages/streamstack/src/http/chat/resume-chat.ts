import { ReaderRecord } from '../../observe/index.ts'
import { endWithToken } from '../reader/end-with-token.ts'
import type { EndpointCall } from '../call/call-endpoint.ts'
import { RunReading } from '../reader/run-reading.ts'
import { answerStream } from '../reader/stream-answer.ts'

/** Answers `GET <path>/<chat id>/stream`: the run of the chat from its first chunk, or 204 where none is going on. */
export async function resumeChat({ exchange, plan, preparation }: EndpointCall): Promise<void> {
  const { engine, response, parameters, corsHeaders, caller, heartbeat } = exchange
  const { name } = plan.endpoint
  const id = engine.runs.chats.find(preparation.owner, name, parameters['chat_id'] ?? '')
  const run = id === null ? undefined : await engine.runs.get(id)
  if (run === undefined || run.stream.end !== null) {
    response.writeHead(204, { ...corsHeaders, 'Cache-Control': 'no-store' })
    response.end()
    return
  }
  const reading = preparation.asksForCaller
    ? new RunReading(run, caller, engine.settings.auth.onExpiry === 'end')
    : null
  const reader = answerStream({
    engine,
    source: reading ?? run,
    response,
    format: 'ai-sdk',
    metadata: preparation.includesMetadata,
    kinds: undefined,
    position: 0,
    headers: corsHeaders,
    heartbeat,
    record: new ReaderRecord(engine.observation.metrics, name, null),
  })
  if (reading !== null) endWithToken({ engine, response, source: reading, caller })
  reader.begin()
}
