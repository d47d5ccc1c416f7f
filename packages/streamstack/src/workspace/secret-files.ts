import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Issue, type TreeNode, entryOf } from '../definition/index.ts'
import { providerKeyNames } from '../provider/index.ts'
import type { Environment } from './dotenv.ts'

/** A larger file holds no secret: it is another file than was meant. */
const BYTES_MAX = 65_536

/**
 * Returns the environment with the values of variables that come as files: `JWT_SECRET_FILE` names the file whose text is the value of `JWT_SECRET`, as
 * secrets of Docker and Kubernetes are mounted. Only names that the settings list under `env`, and keys of providers, are looked at. A line end at the
 * end of the file is no part of the value.
 */
export async function readSecretFiles(
  environment: Environment,
  settings: TreeNode | null,
  { root, file }: { readonly root: string; readonly file: string },
): Promise<{ readonly environment: Environment; readonly issues: readonly Issue[] }> {
  const issues: Issue[] = []
  const found: Record<string, string> = Object.create(null)
  for (const name of namesIn(settings)) {
    const path = environment[`${name}_FILE`] ?? ''
    if (path === '') continue
    const position = { file, line: 1, column: 1 }
    if ((environment[name] ?? '') !== '') {
      const message = `${name} and ${name}_FILE are both set; the value of ${name} is used. Remove one of them.`
      issues.push({ severity: 'warning', message, position })
      continue
    }
    try {
      const bytes = await readFile(resolve(root, path))
      if (bytes.length > BYTES_MAX) throw new Error(`it is larger than ${BYTES_MAX} bytes`)
      found[name] = new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/(?:\r?\n)+$/, '')
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? (error as Error).message
      const message = `The file that ${name}_FILE names cannot be read as text: ${why}. Name a file that holds the value of ${name} and nothing else.`
      issues.push({ severity: 'error', message, position })
    }
  }
  return { environment: Object.assign(Object.create(null) as object, environment, found), issues }
}

function namesIn(settings: TreeNode | null): ReadonlySet<string> {
  const listed = settings === null ? [] : (entryOf(settings, 'env')?.node.items ?? [])
  return new Set([...listed.flatMap(({ value }) => (typeof value === 'string' ? [value] : [])), ...providerKeyNames])
}
