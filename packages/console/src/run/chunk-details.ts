import { html, nothing } from 'lit'
import { cut } from '@streamstack/elements/base/cut.js'
import { formatBytes, formatMs } from '../page/numbers.ts'
import { contentText, sizeOf } from './chunk-store.ts'
import type { RunModel } from './run-model.ts'
import { roundsText } from './step-trace.ts'

/** Characters of one value that are shown. */
const VALUE_CHARACTERS_MAX = 2_000

/** What is known of the chosen chunk; nothing where none is chosen. */
export function chunkDetails(model: RunModel | null, index: number | null): unknown {
  const chunk = index === null ? undefined : model?.chunks.at(index)
  if (model === null || index === null || chunk === undefined) return nothing
  const sender = model.trace.senderOf(chunk.offset)
  const rows: readonly (readonly [string, string])[] = [
    ['sent by', sender === null ? 'not known' : `${sender.step}${roundsText(sender.loop)}`],
    ['after', formatMs(model.chunks.timeMs(index))],
    ['size', formatBytes(sizeOf(chunk))],
    ...Object.entries(chunk.metadata ?? {}).map(([name, value]) => [name, contentText(value)] as const),
    ['content', contentText(chunk.content)],
  ]
  return html`<h2 class="part meta-head">Chunk ${chunk.offset ?? index + 1} <span class="tiny">${chunk.kind}</span></h2>
    <dl class="box meta">
      ${rows.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${cut(value, VALUE_CHARACTERS_MAX)}</dd>
          </div>`,
      )}
    </dl>`
}
