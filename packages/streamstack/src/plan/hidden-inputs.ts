import type { InputDeclaration, Issue } from '../definition/types.ts'

const LOOP_NAMES: ReadonlySet<string> = new Set([
  'item',
  'loop_index',
  'array_length',
  'current_batch',
  'estimated_total',
])
const ERROR_NAMES: ReadonlySet<string> = new Set(['error', 'error_message', 'is_recoverable', 'suggested_retry_delay'])
const BUILT_INS: ReadonlySet<string> = new Set(['now', 'elapsed_time'])

/** Words that no expression can read as a name (ECMA-262 §12.7.2; those of strict mode are free here). */
const RESERVED_WORDS: ReadonlySet<string> = new Set(
  (
    'break case catch class const continue debugger default delete do else enum export extends false finally for function if ' +
    'import in instanceof new null return super switch this throw true try typeof undefined var void while with'
  ).split(' '),
)

/** A warning for each input that its bare name does not reach everywhere, or that hides a built-in name. */
export function hiddenInputs(inputs: readonly InputDeclaration[]): Issue[] {
  return inputs.flatMap(({ name, position }) => {
    const why = hiddenBecause(name)
    if (why === null) return []
    const message = `The input '${name}' ${why}. Rename it, or read it as {{input.${name}}} everywhere.`
    return [{ severity: 'warning' as const, message, position }]
  })
}

function hiddenBecause(name: string): string | null {
  if (RESERVED_WORDS.has(name)) return `cannot be read as {{${name}}}: the word has a meaning of its own in expressions`
  if (LOOP_NAMES.has(name)) return `is hidden inside loops, where {{${name}}} is the loop's own`
  if (ERROR_NAMES.has(name)) return `is hidden inside catch blocks, where {{${name}}} tells of the error`
  if (BUILT_INS.has(name)) return `hides the built-in name {{${name}}}`
  return null
}
