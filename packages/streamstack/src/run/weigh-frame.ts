import { weighValues } from '../input/index.ts'
import type { Frame, Slot } from './frame.ts'

/** Bytes that the variables of a frame, of its calls and of its branches occupy in the heap, about. */
export function weighFrame(frame: Frame): number {
  const slots = new Set<readonly Slot[]>()
  collect(frame, slots)
  return weighValues([...slots].flat())
}

/** Branches share the slots of their frame. */
function collect(frame: Frame, slots: Set<readonly Slot[]>): void {
  slots.add(frame.slots)
  if (frame.callee !== null) collect(frame.callee, slots)
  for (const branch of frame.branches ?? []) if (branch !== null) collect(branch, slots)
}
