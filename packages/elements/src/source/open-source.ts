import { openOwnSource } from './own-source.ts'
import { type OpenSource, type Source, type SourceSink, statusOf } from './source.ts'

/** Formats of other servers. Their readers are loaded when an element has one: most pages need none. */
const FOREIGN = new Set(['ai-sdk', 'openai', 'plain-sse'])

/** Opens an endpoint call or a stream. Everything that goes wrong reaches the sink; nothing is thrown. */
export function openSource(source: Source, sink: SourceSink): OpenSource {
  const { src, stream, channel } = source
  const named = [src, stream, channel].filter((text) => text !== '').length
  // Channels are for elements that open them before this.
  if (named !== 1 || channel !== '') return failed('Set exactly one source: src, stream or channel.', sink)
  try {
    return FOREIGN.has(source.format) ? openLater(source, sink) : openOwnSource(source, sink)
  } catch (thrown) {
    return failed(thrown instanceof Error ? thrown.message : String(thrown), sink)
  }
}

function openLater(source: Source, sink: SourceSink): OpenSource {
  let open: OpenSource = nothing
  let isOver = false
  const load = async (): Promise<void> => {
    sink.status(statusOf('connecting'))
    const { openForeignSource } = await import('./foreign-source.ts')
    if (!isOver) open = openForeignSource(source, sink)
  }
  load().catch(() => {
    if (!isOver) open = failed('The format could not be loaded.', sink)
  })
  return {
    get progress() {
      return open.progress
    },
    url: null,
    offset: 0,
    cancel() {
      if (open === nothing) open = failed('', sink, 'left')
      else open.cancel()
      isOver = true
    },
    leave() {
      isOver = true
      open.leave()
    },
  }
}

const nothing: OpenSource = {
  progress: { chunks: 0, bytes: 0, percentage: null, chunksPerSecond: 0, bytesPerSecond: 0, elapsedMs: 0 },
  url: null,
  offset: 0,
  cancel: () => undefined,
  leave: () => undefined,
}

/** A source that cannot be opened fails like any other, and in the same order: later, status before end. */
function failed(message: string, sink: SourceSink, code = 'source_invalid'): OpenSource {
  let isLeft = false
  queueMicrotask(() => {
    if (isLeft) return
    sink.status(code === 'left' ? statusOf('cancelled') : statusOf('failed', { message }))
    sink.end({ outcome: null, error: { code, message, recoverable: false } })
  })
  return { ...nothing, leave: () => void (isLeft = true) }
}
