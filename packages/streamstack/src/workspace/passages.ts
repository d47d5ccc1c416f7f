import { lstatSync, readlinkSync } from 'node:fs'
import { dirname, join, parse, sep } from 'node:path'

/** An entry of a folder through which a path leads elsewhere: what stands there decides what the path is. */
export interface Passage {
  /** Real path of the folder. */
  readonly folder: string
  readonly name: string
}

/** As in Linux: a path with more links does not resolve. */
const LINKS_MAX = 40

/**
 * Returns every symbolic link on the way of an absolute path, and the entry at which it ends, also when nothing is there. Empty: no link is on
 * the way. Kubernetes mounts a ConfigMap as `a.yaml → ..data/a.yaml` and `..data → ..2026_11_30`: the three entries are the passages of `a.yaml`.
 */
export function passagesOf(path: string): readonly Passage[] {
  const links: Passage[] = []
  let folder = parse(path).root
  const rest = path.slice(folder.length).split(sep)
  for (;;) {
    const name = rest.shift()
    if (name === undefined) return links
    if (name === '' || name === '.') continue
    if (name === '..') {
      folder = dirname(folder)
      continue
    }
    const target = linkAt(join(folder, name))
    if (target === undefined) return links.length === 0 ? [] : [...links, { folder, name }]
    if (target !== null) {
      links.push({ folder, name })
      if (links.length > LINKS_MAX) return links
      const { root } = parse(target)
      if (root !== '') folder = root
      rest.unshift(...target.slice(root.length).split(sep))
    } else if (rest.length === 0) return links.length === 0 ? [] : [...links, { folder, name }]
    else folder = join(folder, name)
  }
}

/** The target of a link; null: it is none, undefined: there is nothing. */
function linkAt(path: string): string | null | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : null
  } catch {
    return undefined
  }
}
