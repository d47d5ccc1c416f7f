import type { Value } from '@streamstack/protocol'
import type { ProviderItem, TextItem } from '../../provider/index.ts'
import type { Frame, Strand } from '../../run/index.ts'
import type { Compiler } from './compiler.ts'
import { type StepShape, compileSending } from './sending.ts'

/** Where a relay counts what it has sent. */
export interface RelaySlots {
  readonly index: number
  readonly characters: number
}

/** Compiles the begin of a relay: each answer is counted from zero. */
export function beginRelay(compiler: Compiler): RelaySlots {
  const slots = { index: compiler.slot(), characters: compiler.slot() }
  compiler.emit((frame) => {
    frame.slots[slots.index] = 0
    frame.slots[slots.characters] = 0
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
      if (item.kind === 'reasoning') return { value: item.text, kind: 'reasoning', metadata: null, joins: true }
      const index = frame.slots[slots.index] as number
      const characters = (frame.slots[slots.characters] as number) + item.text.length
      frame.slots[slots.index] = index + 1
      frame.slots[slots.characters] = characters
      // Written by hand: this is on the way of every token.
      const metadata = `{"chunk_index":${index},"elapsed_ms":${Math.round(strand.run.elapsedMs())},"characters":${characters}}`
      return { value: item.text, kind: 'text', metadata, joins: true }
    },
  })
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
