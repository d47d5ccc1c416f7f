import type { Chunk, Value } from '@streamstack/protocol'
import type { ProviderItem, TextItem } from '../provider/index.ts'
import type { Frame, Strand } from '../run/index.ts'
import type { Compiler } from './compiler.ts'
import { send } from './send.ts'

/** Where a relay counts what it has sent. */
export interface RelaySlots {
  readonly index: number
  readonly characters: number
}

export function relaySlots(compiler: Compiler): RelaySlots {
  return { index: compiler.slot(0), characters: compiler.slot(0) }
}

/**
 * Sends an item of a model's answer as a chunk of its kind. Text carries when it came and how much there is so far as metadata; `sent` is
 * called when the chunk is on its way.
 */
export function relay(
  frame: Frame,
  strand: Strand,
  item: ProviderItem,
  slots: RelaySlots,
  sent?: () => void,
): void | Promise<void> {
  if (item.kind !== 'text') return send(frame, strand, chunkOfItem(item), sent)
  const index = frame.slots[slots.index] as number
  const characters = (frame.slots[slots.characters] as number) + item.text.length
  frame.slots[slots.index] = index + 1
  frame.slots[slots.characters] = characters
  // Written by hand: this is on the way of every token.
  const metadata = `{"chunk_index":${index},"elapsed_ms":${Math.round(strand.run.elapsedMs())},"characters":${characters}}`
  return send(frame, strand, { kind: 'text', data: item.text, metadata }, sent)
}

function chunkOfItem(item: ProviderItem): Chunk {
  if (isText(item)) return { kind: item.kind, data: item.text, metadata: null }
  return { kind: item.kind, data: JSON.stringify(contentOf(item)), metadata: null }
}

function isText(item: ProviderItem): item is TextItem {
  return item.kind === 'text' || item.kind === 'reasoning'
}

/** The members that readers get; what the provider sent stays on the server. */
function contentOf(item: Exclude<ProviderItem, TextItem>): Value {
  switch (item.kind) {
    case 'tool_call':
      return { id: item.id, name: item.name, arguments: item.arguments }
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
