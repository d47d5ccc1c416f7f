/** The names that lead from data to code or to shared prototypes. No spelling of them reads or makes a property. */
const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** Whether a name must not be read, in whatever spelling it came: callers pass it after escapes and coercion. */
export function isForbidden(name: string): boolean {
  return FORBIDDEN.has(name)
}

/** The message for such a name. */
export function forbiddenMessage(name: string): string {
  return `the name '${name}' is not available in expressions. Use another name for the property.`
}
