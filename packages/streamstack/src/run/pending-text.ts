import type { ChunkKind } from '@streamstack/protocol'
import type { TextUnit } from '../text/split-text.ts'

/** Text that waits for the rest of its piece, because deltas of a stream are joined to pieces of a size. Plain data. */
export interface PendingText {
  /** Which step it is from: what another sends never joins it. */
  readonly step: string
  readonly kind: ChunkKind
  readonly unit: TextUnit
  readonly text: string
  /** That of the newest delta in it. */
  readonly metadata: string | null
  /** How many pieces the stream has sent. */
  readonly pieces: number
}
