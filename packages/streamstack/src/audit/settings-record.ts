import { createHmac } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ApiKey } from '../access/index.ts'

/** What an audit compares: settings by their keys in the file, as JSON text, and API keys. */
export interface ComparedSettings {
  readonly values: Readonly<Record<string, string>>
  readonly keys: readonly ApiKey[]
}

/** A change of an API key. `fingerprint`: the first 8 digits of its hash. */
export interface KeyChange {
  readonly action: 'created' | 'revoked' | 'changed'
  readonly name: string
  readonly fingerprint: string
}

export interface SettingsChange {
  /** Keys of settings, never values. */
  readonly settings: readonly string[]
  readonly keys: readonly KeyChange[]
}

/** Hashes of values, so that the file says what has changed and not what it was. */
interface Remembered {
  readonly values: Readonly<Record<string, string>>
  readonly keys: Readonly<Record<string, { readonly fingerprint: string; readonly hash: string }>>
}

const FILE = 'settings.json'

/** Remembers the settings in the audit's folder, so that changes are found over a restart, too. */
export class SettingsRecord {
  readonly #path: string
  readonly #key: string
  /** Null: nothing is remembered yet. */
  #remembered: Remembered | null

  /** `key`: of the hashes, in hexadecimal. */
  constructor(folder: string, key: string) {
    this.#path = join(folder, FILE)
    this.#key = key
    this.#remembered = read(this.#path)
  }

  /** Returns what differs from the settings before, and remembers these. Throws what the file system throws. */
  changeTo({ values, keys }: ComparedSettings): SettingsChange {
    const before = this.#remembered
    const now: Remembered = {
      values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, this.#hash(value)])),
      keys: Object.fromEntries(
        keys.map((key) => [key.name, { fingerprint: key.hash.slice(0, 8), hash: this.#hash(JSON.stringify(key)) }]),
      ),
    }
    this.#remembered = now
    const temporary = `${this.#path}.new`
    writeFileSync(temporary, JSON.stringify(now), { mode: 0o600 })
    renameSync(temporary, this.#path)
    return before === null
      ? { settings: [], keys: [] }
      : { settings: changedValues(before, now), keys: changedKeys(before, now) }
  }

  #hash(text: string): string {
    return createHmac('sha256', Buffer.from(this.#key, 'hex')).update(text).digest('base64url')
  }
}

function changedValues({ values: before }: Remembered, { values: now }: Remembered): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(now)])
  return [...names].filter((name) => before[name] !== now[name]).toSorted()
}

function changedKeys({ keys: before }: Remembered, { keys: now }: Remembered): readonly KeyChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].toSorted()
  return names.flatMap((name): readonly KeyChange[] => {
    const [old, current] = [own(before, name), own(now, name)]
    if (old === undefined)
      return current === undefined ? [] : [{ action: 'created', name, fingerprint: current.fingerprint }]
    if (current === undefined) return [{ action: 'revoked', name, fingerprint: old.fingerprint }]
    return old.hash === current.hash ? [] : [{ action: 'changed', name, fingerprint: current.fingerprint }]
  })
}

function own(keys: Remembered['keys'], name: string): Remembered['keys'][string] | undefined {
  return Object.hasOwn(keys, name) ? keys[name] : undefined
}

/** A file that cannot be read is replaced: it only says what the settings were before. */
function read(path: string): Remembered | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Remembered
  } catch {
    return null
  }
}
