import { jsonStringEnd } from '../text/json-string-end.ts'
import { charge } from './work.ts'

/** Steps for a name that has not come lately: V8 makes a hidden class for it, 1 to 4 µs with the garbage. */
const NEW_NAME_STEPS = 100

const SLOTS = 65_536
/** Hashes of names that came lately: an index of two bytes of the hash. Texts would keep the documents in memory that they were cut from. */
const lately = new Uint32Array(SLOTS)

/** A caller cannot know which names share a slot. */
const SEED = Math.floor(Math.random() * 2 ** 32)

/** Counts the names in JSON text that have not come lately, before it is parsed. Names that come again cost next to nothing. */
export function chargeJsonNames(json: string): void {
  if (!json.includes(':')) return
  for (let quote = json.indexOf('"'); quote !== -1;) {
    const end = jsonStringEnd(json, quote)
    if (isBeforeColon(json, end)) {
      const hash = hashOf(json, quote + 1, end - 1)
      if (lately[hash % SLOTS] !== hash) {
        lately[hash % SLOTS] = hash
        charge(NEW_NAME_STEPS)
      }
    }
    quote = json.indexOf('"', end)
  }
}

function isBeforeColon(json: string, from: number): boolean {
  let at = from
  while (json.charCodeAt(at) <= 32) at++
  return json.charCodeAt(at) === 58
}

/** FNV-1a. */
function hashOf(text: string, from: number, end: number): number {
  let hash = SEED
  for (let at = from; at < end; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 16_777_619)
  return hash >>> 0
}
