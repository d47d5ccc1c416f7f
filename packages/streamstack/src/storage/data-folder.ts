import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { StreamstackError } from '@streamstack/protocol'
import { makePrivateFolder } from './private-files.ts'
import { holdLock } from './sqlite/lock.ts'

/** The file whose lock says that a server has the folder, and the one that tells people which: a hint, that nothing depends on. */
const LOCK_FILE = 'server.lock'
const HOLDER_FILE = 'server.pid'

/** A data folder that one server has for itself. */
export interface HeldFolder {
  /** Lets go of it, for the next. */
  release(): void
}

/** Makes a data folder. Throws `storage_failed`. */
export function makeDataFolder(folder: string): void {
  try {
    makePrivateFolder(folder)
  } catch (cause) {
    throw new StreamstackError('storage_failed', 'The data folder cannot be made; name another with `--data`.', {
      cause,
    })
  }
}

/**
 * Takes a data folder for one server, whatever it keeps there: records, streams and who is in a channel would fall apart with two. `name` is the
 * folder as people know it. Throws `storage_failed` when another server has it, in this process or another.
 */
export function holdDataFolder(folder: string, name: string): HeldFolder {
  makeDataFolder(folder)
  const lock = holdLock(
    join(folder, LOCK_FILE),
    () =>
      `Another server${holderOf(folder)} uses the data folder ${name}. Stop it first, or give this one a folder of its own with \`--data\`.`,
  )
  try {
    writeFileSync(join(folder, HOLDER_FILE), `${process.pid} ${hostname()}\n`, { mode: 0o600 })
  } catch {
    // The lock is held all the same; it is not known to others by whom.
  }
  return {
    release() {
      if (!lock.isOpen) return
      rmSync(join(folder, HOLDER_FILE), { force: true })
      lock.close()
    },
  }
}

/**
 * Returns the holder of the lock, as recorded in its file. If another machine or container shares
 * the folder, the process id belongs to that machine.
 */
function holderOf(folder: string): string {
  let text: string
  try {
    text = readFileSync(join(folder, HOLDER_FILE), 'utf8')
  } catch {
    return ''
  }
  const [, pid, host] = /^(\d{1,10}) (\S+)\n$/.exec(text) ?? []
  if (pid === undefined || host === undefined) return ''
  return host === hostname() ? ` (process ${pid})` : ` (process ${pid} on ${host})`
}
