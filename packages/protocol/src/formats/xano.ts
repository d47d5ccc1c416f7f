import { CONTENT_KINDS, isNamedKind } from '../chunk-kind.ts'
import type { Chunk } from '../chunk.ts'
import { type AnswerFormat, streaming } from './format.ts'
import { contentJson } from './lines.ts'

/** A line end within server-sent events (WHATWG HTML, "Server-sent events"). */
const LINE_END = /\r\n|\r|\n/g

/**
 * `xano`: server-sent events as Xano writes them and `@xano/js-sdk` reads them. `data:` is the bare content: texts as they are, objects and other values as
 * JSON; with metadata it is JSON `{"content","metadata"}`. Each line of a text is a `data:` field of its own, so that no content can add a field or an event;
 * readers join them with LF. The client passes each event to the application, so there is none but the chunks: an error is no event, and any outcome but
 * `completed` breaks the connection. There are no offsets, because the client cannot resume. Other kinds that the caller asks for are events of their name.
 */
export const xano: AnswerFormat = {
  name: 'xano',
  mediaTypes: [],
  isShared: true,
  encoder: ({ metadata: withMetadata, kinds = CONTENT_KINDS }) => ({
    ...streaming,
    contentType: 'text/event-stream; charset=utf-8',
    heartbeat: ': keep-alive\n\n',
    tellsOutcome: false,
    chunks(chunks, from, to) {
      let out = ''
      for (let i = from; i < to; i++) {
        const chunk = chunks[i] as Chunk
        const { kind, data, metadata } = chunk
        if (kind === 'error' || !kinds.has(kind)) continue
        if (isNamedKind(kind)) out += `event: ${kind}\n`
        if (withMetadata) out += `data: {"content":${contentJson(chunk)},"metadata":${metadata ?? 'null'}}\n\n`
        else out += `data: ${data.replaceAll(LINE_END, '\ndata: ')}\n\n`
      }
      return out
    },
    fault: () => '',
    end: () => '',
  }),
}
