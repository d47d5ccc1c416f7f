import { ERRORS } from '@streamstack/protocol'

/**
 * The code of an error as metrics and activity may show it. Codes that endpoints make up themselves are all `thrown`: an expression may have
 * put anything into them, and there is no end to them.
 */
export function errorLabel(code: string): string {
  return Object.hasOwn(ERRORS, code) ? code : 'thrown'
}
