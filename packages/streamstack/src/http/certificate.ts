import { unwatchFile, watchFile } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { SecureContextOptions } from 'node:tls'
import type { Logger } from '../run/index.ts'

/** How often the files are looked at. Certificates are renewed days before they expire. */
const POLL_MS = 10_000

export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

/** Rejects with a plain Error that names the setting. */
export async function readCertificate({ certFile, keyFile }: CertificateFiles): Promise<{ cert: Buffer; key: Buffer }> {
  return { cert: await readPem(certFile, 'server.tls.cert'), key: await readPem(keyFile, 'server.tls.key') }
}

/**
 * Has a listener use a renewed certificate for the connections that come from then on. Links are followed, as certbot and Kubernetes replace those. While
 * the two files do not fit each other, or cannot be used, the certificate before is used. The result stops it.
 */
export function followCertificate(
  server: { setSecureContext(options: SecureContextOptions): void },
  files: CertificateFiles,
  { log, pollMs = POLL_MS }: { log: Logger; pollMs?: number | undefined },
): () => void {
  const paths = [files.certFile, files.keyFile]
  const changed = (): void => {
    readCertificate(files)
      .then((read) => {
        server.setSecureContext(read)
        log.info({ cert: files.certFile }, 'the certificate was read again')
      })
      .catch((error: unknown) => {
        log.warn({ err: error, cert: files.certFile }, 'a renewed certificate cannot be used; the one before is')
      })
  }
  for (const path of paths) watchFile(path, { interval: pollMs, persistent: false }, changed)
  return () => {
    for (const path of paths) unwatchFile(path, changed)
  }
}

async function readPem(file: string, setting: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new Error(`The file of \`${setting}\` in streamstack.yaml cannot be read: ${(error as Error).message}.`, {
      cause: error,
    })
  }
}
