import type { Part } from './conversation.ts'
import type { ChatLabels } from './labels.ts'

/** Shows one part. */
export interface PartView {
  update(part: Part): void
  end(): void
}

/** Puts what shows a part that is no text into the box of its message. */
export type PartViewMaker = (part: Part, box: Element, labels: ChatLabels) => PartView
