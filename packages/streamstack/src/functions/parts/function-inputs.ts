import { StreamstackError, type Value } from '@streamstack/protocol'
import type { InputChecker, InputFault } from '../../input/index.ts'

const noQuery = new URLSearchParams()

/** Checks the inputs of a function file as a JSON body is checked. */
export function checkedInputs(
  checker: InputChecker,
  sent: Readonly<Record<string, Value>>,
): { values: Readonly<Record<string, Value>>; faults: readonly InputFault[] } {
  try {
    return { values: checker.check({ path: {}, query: noQuery, body: sent }), faults: [] }
  } catch (error) {
    const faults =
      error instanceof StreamstackError && error.code === 'input_invalid' ? error.details?.['errors'] : null
    if (!Array.isArray(faults)) throw error
    return { values: {}, faults: faults }
  }
}

/** Faults in one sentence each, without the values: what a stack computed may be secret. */
export function faultWords(faults: readonly InputFault[]): readonly InputFault[] {
  return faults.map(({ path, message }) => ({ path, message: message.split('; got ')[0] ?? message }))
}

/** All faults as one text. */
export function faultText(faults: readonly InputFault[]): string {
  return faults.map(({ path, message }) => (path === '' ? message : `input '${path}' ${message}`)).join('; ')
}
