/** Parses a repeatable option: each value is appended to those before. */
export function collected(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}
