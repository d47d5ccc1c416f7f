import { createHmac, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Value } from '@streamstack/protocol'
import { newRedactor } from '../content/index.ts'
import { cutText } from '../text/cut-text.ts'
import { canonicalJson } from '../text/canonical-json.ts'

/** How the value of an input is recorded. */
export type InputMode = 'clear' | 'hash'

type Scalar = string | number | boolean

/** Recorded inputs by name: values in clear, or their hashes. */
export type AuditedInputs = Readonly<Record<string, Scalar>>

const KEY_FILE = 'inputs.key'
const KEY = /^[0-9a-f]{64}$/

/** Longer texts are recorded as their hash. */
const CLEAR_LENGTH_MAX = 200

/** Inputs of one call that are recorded, at most. */
const INPUTS_MAX = 32

/** Keys and tokens of known shapes are no text to record, wherever they stand. */
const secrets = newRedactor({ kinds: ['key'], nationalIds: [], fields: [], matchers: [], replacement: null })

/** Takes API keys and tokens out of a text and cuts it, so that it can stand in an entry. */
export function safeText(text: string): string {
  const shown = secrets.text(cutText(text, CLEAR_LENGTH_MAX).replaceAll(/ss[kt]_[\w-]{8,}/g, '[key]'))
  return text.length > CLEAR_LENGTH_MAX ? `${shown.toWellFormed()}…` : shown.toWellFormed()
}

/**
 * Returns the recorded inputs of a call: scalars in clear where the settings say so, everything else as an HMAC-SHA-256, so that equal values can be found
 * and short ones cannot be guessed without the key. `modes`: by the name of the input.
 */
export function recordedInputs(
  inputs: Readonly<Record<string, Value>>,
  modes: Readonly<Record<string, InputMode>>,
  key: string,
): AuditedInputs | null {
  const recorded: [string, Scalar][] = []
  for (const [name, mode] of Object.entries(modes)) {
    if (recorded.length >= INPUTS_MAX || !Object.hasOwn(inputs, name)) continue
    const value = inputs[name] ?? null
    // It was not sent.
    if (value === null) continue
    const isClear = mode === 'clear' && isShown(value)
    recorded.push([name, isClear ? shown(value) : hashOfInput(value, key)])
  }
  return recorded.length === 0 ? null : Object.fromEntries(recorded)
}

/** The hash by which entries name the value of an input. */
export function hashOfInput(value: Value, key: string): string {
  return `hmac-sha256:${createHmac('sha256', Buffer.from(key, 'hex')).update(canonicalJson(value)).digest('hex')}`
}

/** Reads the key of the hashes, or makes it. Throws what the file system throws, and a plain Error for a file that holds no key. */
export function inputKeyIn(folder: string): string {
  const path = join(folder, KEY_FILE)
  try {
    writeFileSync(path, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const key = readFileSync(path, 'utf8').trim()
  if (!KEY.test(key))
    throw new Error(`${path} holds no key of 64 hexadecimal digits. Restore it, or remove it for a new one.`)
  return key
}

function isShown(value: Value): value is Scalar {
  return typeof value === 'string' ? value.length <= CLEAR_LENGTH_MAX : typeof value !== 'object'
}

function shown(value: Scalar): Scalar {
  return typeof value === 'string' ? safeText(value) : value
}
