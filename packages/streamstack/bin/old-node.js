// Plain JavaScript for any Node.js.
import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Returns what to say where Node.js is too old, or null. `words` are the script that runs and its arguments, as far as there are any. In a clone
 * of the repository and wherever else the npm package `node` is installed, the message has the command that works.
 *
 * @param {readonly string[]} words
 */
export function oldNodeMessage(words) {
  const { node } = process.versions
  if (Number(node.split('.')[0]) >= 24) return null
  const problem = `Streamstack needs Node.js 24 or newer, and this is Node.js ${node}.`
  const newer = newerNode()
  if (newer === null) return `${problem} Get a newer one from https://nodejs.org.`
  const command = [newer, ...words].map(fromHere).map(quoted).join(' ')
  return `${problem} A newer one is installed beside it; run:\n  ${command}`
}

/** The program of the npm package `node`, in the nearest node_modules. */
function newerNode() {
  let folder = dirname(fileURLToPath(import.meta.url))
  for (;;) {
    const program = join(folder, 'node_modules/.bin/node')
    if (existsSync(program)) return program
    const parent = dirname(folder)
    if (parent === folder) return null
    folder = parent
  }
}

/** @param {string} word */
function fromHere(word) {
  if (!word.startsWith('/')) return word
  const way = relative(process.cwd(), word)
  return way === '' || way.startsWith('..') ? word : way
}

/** @param {string} word */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
