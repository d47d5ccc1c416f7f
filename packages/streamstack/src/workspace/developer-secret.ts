import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makePrivateFolder } from '../storage/index.ts'
import { entryOf, type TreeNode } from '../definition/index.ts'
import type { Environment } from './dotenv.ts'

/** The file of the data folder that holds the secret. */
const FILE = 'developer-secret'

/** Characters of a generated secret, and the least that one read back may have. */
const SECRET_LENGTH = 64

/** The way in which a workspace lacks the secret that signs its tokens. */
export interface LackingSecret {
  /** The environment variable that the settings name and that has no value; null: the settings have no `auth.jwt`. */
  readonly variable: string | null
}

/** Whether the settings say how tokens are checked but for the secret itself. Null: nothing is lacking. */
export function lackingSecret(settings: TreeNode | null, environment: Environment): LackingSecret | null {
  const auth = settings === null ? undefined : entryOf(settings, 'auth')?.node
  const jwt = auth === undefined ? undefined : entryOf(auth, 'jwt')?.node
  if (jwt === undefined || jwt.value === null) return { variable: null }
  const secret = entryOf(jwt, 'secret')?.node.value
  const variable =
    typeof secret === 'string' ? /^\s*\{\{\s*env\.([A-Za-z_]\w*)\s*\}\}\s*$/.exec(secret)?.[1] : undefined
  if (variable === undefined || (environment[variable] ?? '') !== '') return null
  return { variable }
}

/** Returns the secret that an earlier `streamstack dev` keeps in a data folder, or null. */
export function keptSecret(dataFolder: string): string | null {
  try {
    const secret = readFileSync(join(dataFolder, FILE), 'utf8').trim()
    return secret.length >= SECRET_LENGTH ? secret : null
  } catch {
    return null
  }
}

/** Secrets that could not be written, by data folder: the next reload must find the same one. */
const unkept = new Map<string, string>()

/**
 * Returns the secret of a data folder and generates it the first time, readable by its owner only. Where the folder
 * cannot be written the secret lasts as long as the process; opening the folder then reports why.
 */
export function keepSecret(dataFolder: string): string {
  const known = keptSecret(dataFolder) ?? unkept.get(dataFolder)
  if (known !== undefined) return known
  const secret = randomBytes(48).toString('base64url')
  try {
    makePrivateFolder(dataFolder)
    writeFileSync(join(dataFolder, FILE), `${secret}\n`, { mode: 0o600 })
  } catch {
    unkept.set(dataFolder, secret)
  }
  // Of two processes that start together, both take what was written last.
  return keptSecret(dataFolder) ?? secret
}
