import { createIssueList } from './issue-list.ts'
import { parseJsonTree } from './parse-json-tree.ts'
import { parseYamlTree } from './parse-yaml-tree.ts'
import type { Issue, TreeNode } from './types.ts'

/** Largest definition file in bytes; larger ones are data that belongs into a table. */
export const FILE_BYTES_MAX = 5 * 1024 * 1024

/** Endings of the files that {@link parseTree} reads. */
export const DEFINITION_ENDINGS: readonly string[] = ['.json', '.jsonc', '.yaml', '.yml']

/** What a file holds, with positions; `tree` is null when an issue is an error. */
export interface ParsedTree {
  tree: TreeNode | null
  issues: Issue[]
}

/**
 * Reads a definition file: `.json` and `.jsonc` with comments and trailing commas, `.yaml` and `.yml` as YAML 1.2 (core
 * schema). Keys that are repeated or that reach into JavaScript's prototypes are errors, as is what JSON cannot hold.
 */
export function parseTree(file: string, text: string): ParsedTree {
  const list = createIssueList()
  const start = { file, line: 1, column: 1 }
  // Editors on Windows write a byte order mark, which is no part of either language.
  const source = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  const isJson = /\.jsonc?$/i.test(file)
  let tree: TreeNode | null = null
  if (!isJson && !/\.ya?ml$/i.test(file)) {
    list.error(start, `A definition is a ${DEFINITION_ENDINGS.join(', ')} file; rename this one.`)
  } else if (Buffer.byteLength(source) > FILE_BYTES_MAX) {
    list.error(start, 'The file is larger than 5 MB; keep data in a table and only the definition here.')
  } else if (source.trim() === '') {
    list.error(start, 'The file is empty; write a definition or remove the file.')
  } else {
    tree = isJson ? parseJsonTree(file, source, list) : parseYamlTree(file, source, list)
  }
  return { tree: list.hasErrors() ? null : tree, issues: list.issues }
}
