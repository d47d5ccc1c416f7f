import { type Chunk, type ChunkKind, isTextKind } from '@streamstack/protocol'
import { type TextPiece, type TextState, newTextState } from './replace-text.ts'
import type { Redactor } from './redactor.ts'

/** What a filter remembers of one run, as plain data. */
export interface ContentFilterState {
  /** The kind of the text that is held; its pieces are chunks. */
  kind: ChunkKind
  text: TextState
}

/** A filter of chunks as the outlet of a run attaches it. */
export interface ContentFilter<State> {
  initial(): State
  push(state: State, chunk: Chunk): readonly Chunk[]
  flush(state: State): readonly Chunk[]
}

/**
 * Redacts all that passes: text across the borders of chunks, the strings and numbers of JSON, metadata. A chunk of text is held back until
 * all of it is decided; nothing undecided leaves. Counts of tokens pass untouched.
 */
export function redactingFilter(redactor: Redactor): ContentFilter<ContentFilterState> {
  return Object.freeze({
    initial: () => ({ kind: 'text' as const, text: newTextState() }),
    push(state: ContentFilterState, chunk: Chunk): readonly Chunk[] {
      const { kind, data } = chunk
      const metadata = chunk.metadata === null ? null : redactor.json(chunk.metadata)
      if (!isTextKind(kind)) return [kind === 'usage' ? chunk : changed(chunk, redactor.json(data), metadata)]
      state.kind = kind
      const passed = redactor.replacer.push(state.text, { text: data, tag: metadata })
      // The usual case costs no new chunk.
      if (passed.length === 1 && passed[0]?.text === data && passed[0].tag === chunk.metadata) return [chunk]
      return passed.map((piece) => chunkOf(kind, piece))
    },
    flush: (state: ContentFilterState) =>
      redactor.replacer.flush(state.text).map((piece) => chunkOf(state.kind, piece)),
  })
}

/**
 * Looks at all that passes without holding anything back; `redactor` throws at what it finds. By then the match, or its beginning, has left:
 * what ends the run has to tell readers to replace what they show.
 */
export function watchingFilter(redactor: Redactor): ContentFilter<ContentFilterState> {
  const checking = redactingFilter(redactor)
  return Object.freeze({
    ...checking,
    push(state: ContentFilterState, chunk: Chunk): readonly Chunk[] {
      checking.push(state, chunk)
      return [chunk]
    },
    flush(state: ContentFilterState): readonly Chunk[] {
      checking.flush(state)
      return []
    },
  })
}

function changed(chunk: Chunk, data: string, metadata: string | null): Chunk {
  return data === chunk.data && metadata === chunk.metadata ? chunk : { ...chunk, data, metadata }
}

function chunkOf(kind: ChunkKind, { text, tag }: TextPiece): Chunk {
  return { kind, data: text, metadata: tag }
}
