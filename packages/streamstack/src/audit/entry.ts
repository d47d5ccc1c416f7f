import { hash as sha256 } from 'node:crypto'
import { isDeep } from '../text/parse-exact-json.ts'
import { canonicalJson, canonicalMembers } from '../text/canonical-json.ts'

/** The fields that every entry has, beside those of its type. One entry is one line of canonical JSON. */
export interface Entry {
  /** Counts from 1, without a gap. */
  readonly seq: number
  /** ISO 8601, UTC. */
  readonly time: string
  readonly type: string
  /** `hash` of the entry before; 64 zeros for the first. */
  readonly previous: string
  /** SHA-256, in hexadecimal, of the canonical JSON of all other fields. */
  readonly hash: string
  readonly [field: string]: unknown
}

/** A place in the chain: the entry that has this number must have this hash. */
export interface Head {
  readonly seq: number
  readonly hash: string
}

/** The place before the first entry. */
export const ORIGIN: Head = Object.freeze({ seq: 0, hash: '0'.repeat(64) })

const HASH = /^[0-9a-f]{64}$/

/** Longer lines, and deeper ones, are no entries. */
export const LINE_LENGTH_MAX = 65_536
const DEPTH_MAX = 16

/** Writes the entry that follows `head`: its line, without the line end, and its place in the chain. */
export function writeEntry(head: Head, time: string, fields: object): { readonly line: string; readonly head: Head } {
  const seq = head.seq + 1
  const members = canonicalMembers({ ...fields, seq, time, previous: head.hash })
  const hash = sha256('sha256', `{${members.join(',')}}`, 'hex')
  // Where it stands in the order of keys: the others are written once.
  const after = members.findIndex((member) => member > '"hash"')
  members.splice(after, 0, `"hash":"${hash}"`)
  return { line: `{${members.join(',')}}`, head: { seq, hash } }
}

/** Reads a line that `writeEntry` wrote; null: it is not byte for byte what that writes. */
export function readEntry(line: string): Entry | null {
  const entry = parseEntry(line)
  if (entry === null) return null
  const { hash, ...rest } = entry
  return canonicalJson(entry) === line && hashOf(rest) === hash ? entry : null
}

/** Reads the fields of a line, whether or not its hash is right; null: it is no entry. */
export function parseEntry(line: string): Entry | null {
  if (line.length > LINE_LENGTH_MAX || isDeep(line, DEPTH_MAX)) return null
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { seq, time, type, previous, hash } = value as Partial<Entry>
  const isEntry =
    Number.isSafeInteger(seq) &&
    typeof time === 'string' &&
    typeof type === 'string' &&
    isHash(previous) &&
    isHash(hash)
  return isEntry ? (value as Entry) : null
}

function hashOf(fields: object): string {
  return sha256('sha256', canonicalJson(fields), 'hex')
}

function isHash(value: unknown): boolean {
  return typeof value === 'string' && HASH.test(value)
}

/** Reads a head as `seq:hash`; null: it is none. */
export function parseHead(text: string): Head | null {
  const [, seq = '', hash = ''] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text.trim()) ?? []
  return hash === '' ? null : { seq: Number(seq), hash }
}
