import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// Of Linux; where they are not, there is no such disk.
const MOUNT = 'mount'
const UNMOUNT = 'umount'

/** A file system of its own that is soon full. */
export interface SmallDisk extends Disposable {
  readonly dir: string
  /** Takes so much of its space. */
  take(bytes: number): void
  /** Takes all space that is left, to the last page. */
  fill(): void
  /** Gives back what was taken. */
  free(): void
}

/** Mounts a file system in memory; null where this process may not mount: only root on Linux may. */
export function smallDisk(bytes: number): SmallDisk | null {
  const dir = mkdtempSync(join(tmpdir(), 'streamstack-disk-'))
  try {
    execFileSync(MOUNT, ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', dir], { stdio: 'ignore' })
  } catch {
    rmSync(dir, { recursive: true })
    return null
  }
  const fillers: string[] = []
  const take = (size: number): void => {
    const file = join(dir, `filler-${fillers.length}`)
    fillers.push(file)
    writeFileSync(file, Buffer.alloc(size))
  }
  return {
    dir,
    take,
    fill() {
      for (const size of [65_536, 4_096]) {
        try {
          for (;;) take(size)
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        }
      }
    },
    free() {
      for (const file of fillers.splice(0)) rmSync(file, { force: true })
    },
    [Symbol.dispose]() {
      execFileSync(UNMOUNT, ['--lazy', dir])
      rmSync(dir, { recursive: true })
    },
  }
}
