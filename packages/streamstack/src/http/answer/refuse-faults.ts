import { StreamstackError } from '@streamstack/protocol'
import type { InputFault } from '../../input/index.ts'

/** Throws `input_invalid` with every fault of a query or of options, when there are any. */
export function refuseFaults(faults: readonly InputFault[]): void {
  if (faults.length === 0) return
  const texts = faults.map(({ path, message }) => `${path} ${message}`)
  throw new StreamstackError('input_invalid', `${texts.join('; ')}.`, { details: { errors: faults } })
}
