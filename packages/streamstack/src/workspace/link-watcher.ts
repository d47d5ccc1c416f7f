import { type FSWatcher, watch } from 'node:fs'
import { passagesOf } from './passages.ts'

interface WatchedFolder {
  readonly watcher: FSWatcher
  /** Paths that lead through an entry, by its name. */
  readonly paths: Map<string, Set<string>>
}

/**
 * Reports paths that lead through symbolic links, when a link on the way is changed or what stands at the end is. A watcher of the folder that a
 * link stands in hears of neither.
 */
export class LinkWatcher {
  readonly #folders = new Map<string, WatchedFolder>()
  readonly #onChange: (path: string) => void
  readonly #onError: (error: unknown) => void

  constructor(onChange: (path: string) => void, onError: (error: unknown) => void) {
    this.#onChange = onChange
    this.#onError = onError
  }

  /** Watches the way of an absolute path as it is now. Does nothing where no link is on it. */
  follow(path: string): void {
    this.forget(path)
    for (const { folder, name } of passagesOf(path)) {
      const watched = this.#folders.get(folder) ?? this.#open(folder)
      if (watched === null) continue
      const paths = watched.paths.get(name)
      if (paths === undefined) watched.paths.set(name, new Set([path]))
      else paths.add(path)
    }
  }

  /** Stops watching a path. */
  forget(path: string): void {
    for (const [folder, { watcher, paths }] of this.#folders) {
      for (const [name, users] of paths) if (users.delete(path) && users.size === 0) paths.delete(name)
      if (paths.size > 0) continue
      watcher.close()
      this.#folders.delete(folder)
    }
  }

  close(): void {
    for (const { watcher } of this.#folders.values()) watcher.close()
    this.#folders.clear()
  }

  #open(folder: string): WatchedFolder | null {
    try {
      const watcher = watch(folder, (_, name) => this.#changed(folder, name))
      watcher.on('error', this.#onError)
      const watched = { watcher, paths: new Map<string, Set<string>>() }
      this.#folders.set(folder, watched)
      return watched
    } catch (error) {
      this.#onError(error)
      return null
    }
  }

  #changed(folder: string, name: string | null): void {
    const { paths } = this.#folders.get(folder) ?? {}
    if (paths === undefined) return
    // Some systems do not say what changed.
    const changed = name === null ? [...paths.values()].flatMap((users) => [...users]) : [...(paths.get(name) ?? [])]
    for (const path of new Set(changed)) {
      // The link may lead elsewhere now.
      this.follow(path)
      this.#onChange(path)
    }
  }
}
