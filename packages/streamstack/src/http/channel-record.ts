import type { Subscription } from '../channel/index.ts'
import type { Engine } from '../engine/index.ts'
import { ReaderRecord } from '../observe/index.ts'

/** Where it is counted what a reader of a channel does: under the name in the declaration, as names of channels come from callers. */
export function channelRecord({ observation }: Engine, source: Subscription): ReaderRecord {
  return new ReaderRecord(observation.metrics, { channel: source.declaredName }, null, () => source.passedOver)
}
