import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Issue, Position, TreeNode } from '../definition/index.ts'
import type { Settings } from './checked-settings.ts'
import { settingPlace } from './setting-place.ts'

/** Reports a certificate or key of `server.tls` that a server could not use, at its place in the settings. */
export async function inspectTls(settings: TreeNode | null, { server }: Settings): Promise<readonly Issue[]> {
  if (server.tls === null) return []
  const position = (key: string): Position => settingPlace(settings, `server.tls.${key}`)
  const files = { cert: server.tls.certFile, key: server.tls.keyFile }
  const texts: Record<string, Buffer> = {}
  const issues: Issue[] = []
  for (const [key, file] of Object.entries(files)) {
    try {
      texts[key] = await readFile(file)
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException
      const message = `The file of \`server.tls.${key}\` cannot be read (${code}); give the path of a PEM file, from the workspace folder.`
      issues.push({ severity: 'error', message, position: position(key) })
    }
  }
  if (issues.length > 0) return issues
  for (const used of [{ cert: texts['cert'] }, { key: texts['key'] }, texts]) {
    try {
      createSecureContext(used)
    } catch (error) {
      return [
        { severity: 'error', message: problemOf(used, error), position: position('cert' in used ? 'cert' : 'key') },
      ]
    }
  }
  return []
}

/** What OpenSSL says of it is for programs, but for two keys that do not belong together. */
function problemOf(used: object, error: unknown): string {
  const reason = (error as { reason?: string }).reason ?? (error instanceof Error ? error.message : 'unknown')
  if (!('key' in used)) return `The file of \`server.tls.cert\` is no certificate in PEM (${reason}).`
  if (!('cert' in used))
    return `The file of \`server.tls.key\` is no private key in PEM without a passphrase (${reason}).`
  return `\`server.tls.key\` is not the private key of the certificate in \`server.tls.cert\` (${reason}).`
}
