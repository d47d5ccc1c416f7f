import { readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The file of the data folder that says when each API key was used last. */
const FILE = 'key-uses.json'

/** Times are kept by the minute, so that a key that calls a thousand times a second is written once a minute. */
const PRECISION_MS = 60_000

/** When API keys were last accepted, milliseconds since 1970, by the hash of the key. */
export type KeyUses = ReadonlyMap<string, number>

/** Reads what a server has noted in a data folder; empty where there is nothing, or nothing readable. */
export function readKeyUses(folder: string): KeyUses {
  try {
    const noted = JSON.parse(readFileSync(join(folder, FILE), 'utf8')) as Readonly<Record<string, unknown>>
    const uses = Object.entries(noted).map(([hash, time]) => [hash, Date.parse(String(time))] as const)
    return new Map(uses.filter(([, timeMs]) => Number.isFinite(timeMs)))
  } catch {
    return new Map()
  }
}

export interface KeyUseLogOptions {
  readonly folder: string
  /** Called when the times cannot be written, once until they can be again. */
  readonly onError: (error: unknown) => void
  /** Milliseconds since 1970. */
  readonly nowMs?: () => number
}

/** Notes when API keys are used: in memory at once, on disk at most once a minute for each key. */
export class KeyUseLog {
  readonly #options: KeyUseLogOptions
  readonly #uses: Map<string, number>
  #writing: Promise<void> | null = null
  #isDirty = false
  #hasFailed = false

  constructor(options: KeyUseLogOptions) {
    this.#options = options
    this.#uses = new Map(readKeyUses(options.folder))
  }

  /** A key was accepted. `hash`: of the key; the file has its first 16 digits. */
  note(hash: string): void {
    const { nowMs = Date.now } = this.#options
    const key = hashId(hash)
    const now = nowMs()
    if (now - (this.#uses.get(key) ?? -Infinity) < PRECISION_MS) return
    this.#uses.set(key, now)
    this.#isDirty = true
    this.#writing ??= this.#write().finally(() => (this.#writing = null))
  }

  /** Forgets keys that the settings no longer have, at the next write. */
  keepOnly(hashes: readonly string[]): void {
    const kept = new Set(hashes.map(hashId))
    for (const key of this.#uses.keys()) if (!kept.has(key)) this.#uses.delete(key)
  }

  /** Settles when everything that was noted is written, or could not be. */
  async close(): Promise<void> {
    await this.#writing
  }

  /** One write at a time; what is noted meanwhile goes into the next. */
  async #write(): Promise<void> {
    const { folder, onError } = this.#options
    while (this.#isDirty) {
      this.#isDirty = false
      const noted = Object.fromEntries([...this.#uses].map(([key, timeMs]) => [key, new Date(timeMs).toISOString()]))
      const file = join(folder, FILE)
      try {
        await writeFile(`${file}.new`, `${JSON.stringify(noted, null, 2)}\n`, { mode: 0o600 })
        await rename(`${file}.new`, file)
        this.#hasFailed = false
      } catch (error) {
        if (!this.#hasFailed) onError(error)
        this.#hasFailed = true
      }
    }
  }
}

/** Enough of a hash to tell keys apart, and too little to look for one. */
export function hashId(hash: string): string {
  return hash.slice(0, 16)
}
