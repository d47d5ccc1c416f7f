/**
 * A row as it stands in a file, as JSON text: rows of JSON files are the text of their object, those of delimited text
 * are the list of their cells, null for an empty one. Nothing is converted yet, so nothing is lost.
 */
export interface SourceRow {
  /** The line it starts at, from 1. */
  readonly line: number
  /** JSON text; for a row that could not be read, the JSON of what stands there. */
  readonly text: string
  /** Why it is no record; null when it is one. */
  readonly problem: string | null
}

/** The rows of a file, some at a time. */
export interface Source {
  /** Names of the columns, once the first rows were read; null where each row names its own. */
  header: readonly string[] | null
  rows(): AsyncIterable<readonly SourceRow[]>
}
