import type { Value } from '@streamstack/protocol'
import type { ProviderItem, TextItem } from '../../provider/index.ts'
import type { Frame, Strand } from '../../run/index.ts'
import type { Compiler } from './compiler.ts'
import { type Progress, compileSending } from './sending.ts'
import type { StepShape } from './step-shape.ts'

/** Where a relay counts what it has sent. */
export interface RelaySlots {
  readonly index: number
  readonly characters: number
  /** Characters that wait for the rest of their piece. */
  readonly waiting: number
}

/** Compiles the begin of a relay: each answer is counted from zero. */
export function beginRelay(compiler: Compiler): RelaySlots {
  const slots = { index: compiler.slot(), characters: compiler.slot(), waiting: compiler.slot() }
  compiler.emit((frame) => {
    frame.slots[slots.index] = 0
    frame.slots[slots.characters] = 0
    frame.slots[slots.waiting] = 0
  })
  return slots
}

interface RelayParts {
  /** How the step wants text cut and paced; null: it says nothing of it. */
  readonly shape: StepShape | null
  readonly slots: RelaySlots
  /** The item that is sent now; null: none is. */
  itemOf(this: void, frame: Frame, strand: Strand): ProviderItem | null
}

/**
 * Compiles the sending of an item of a model's answer as a chunk of its kind. Text carries when it came and how much there is so far as
 * metadata; deltas are joined where the step or the caller asks for pieces of a size.
 */
export function compileRelay(compiler: Compiler, { shape, slots, itemOf }: RelayParts): void {
  compileSending(compiler, {
    shape,
    prepare(frame, strand) {
      const item = itemOf(frame, strand)
      if (item === null) return null
      if (!isText(item)) return { value: contentOf(item), kind: item.kind, metadata: null, joins: true }
      return { value: item.text, kind: item.kind, metadata: null, joins: true }
    },
    progress: progressOf(slots),
  })
}

function progressOf({ index, characters, waiting }: RelaySlots): Progress {
  const add = (frame: Frame, count: number): void => {
    frame.slots[index] = (frame.slots[index] as number) + 1
    frame.slots[characters] = (frame.slots[characters] as number) + count
  }
  return {
    metadata(frame, strand, text) {
      const total = (frame.slots[characters] as number) + text.length
      const begin = `{"chunk_index":${frame.slots[index] as number},"elapsed_ms":${Math.round(strand.run.elapsedMs())}`
      // Written by hand: this is on the way of every token. Joined, so that it is one text in memory instead of seven that refer to each other.
      return [begin, `,"characters":${total}}`].join('')
    },
    sent: (frame, text) => add(frame, text.length),
    kept(frame, text) {
      frame.slots[waiting] = text.length
    },
    flushed(frame) {
      const count = frame.slots[waiting] as number
      frame.slots[waiting] = 0
      if (count > 0) add(frame, count)
    },
  }
}

function isText(item: ProviderItem): item is TextItem {
  return item.kind === 'text' || item.kind === 'reasoning'
}

/** The members that readers get; what the provider sent stays on the server. */
function contentOf(item: Exclude<ProviderItem, TextItem>): Value {
  switch (item.kind) {
    case 'tool_call':
      return {
        id: item.id,
        name: item.name,
        arguments: item.arguments,
        // What cannot be read as an object goes along as the model wrote it.
        ...(item.arguments === null ? { arguments_text: item.arguments_text } : {}),
      }
    case 'source':
      return { url: item.url, title: item.title }
    case 'usage': {
      const { input_tokens, output_tokens, reasoning_tokens, cached_tokens } = item
      return { input_tokens, output_tokens, reasoning_tokens, cached_tokens }
    }
    case 'status': {
      const { state, provider, model, finish_reason } = item
      return { state, provider, model, finish_reason }
    }
  }
}
