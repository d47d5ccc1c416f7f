/**
 * Keys that only describe: they may stand in a file, a wrapper or a step, and change nothing. A function that has a
 * parameter of the same name takes it as its parameter.
 */
export const NOTE_KEYS: ReadonlySet<string> = new Set([
  '$schema',
  '$comment',
  'approach',
  'author',
  'comment',
  'comments',
  'description',
  'documentation',
  'example',
  'examples',
  'note',
  'notes',
  'provider',
  'purpose',
  'rationale',
  'scenario',
  'security',
  'summary',
  'tags',
  'title',
  'use_case',
  'version',
])

/** Whether a key is a note. Keys that begin with `//` or `x-` are notes too. */
export function isNoteKey(key: string): boolean {
  return NOTE_KEYS.has(key) || key.startsWith('//') || key.startsWith('x-')
}
