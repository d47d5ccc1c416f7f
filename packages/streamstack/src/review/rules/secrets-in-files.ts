import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { REDACT_KINDS } from '../../content/index.ts'
import type { Position, TreeNode } from '../../definition/types.ts'
import { settingPlace } from '../../workspace/index.ts'
import type { Fault } from '../finding.ts'
import type { ReviewSubject } from '../subject.ts'

/** Names whose values are secrets. */
const SECRET_NAME =
  /^(?:x-)?(?:authorization|api[_-]?key|password|passwd|secret|client[_-]?secret|access[_-]?token|private[_-]?key)$/i

/** Secrets that stand where they are committed, and files with secrets that others may read. */
export function secretsInFiles({ files, workspace }: ReviewSubject): readonly Fault[] {
  const trees = [files.endpointFiles, files.functionFiles, files.channelFiles, files.tableFiles]
    .flat()
    .flatMap(({ tree }) => (tree === null ? [] : [tree]))
  const written = [...(files.settingsTree === null ? [] : [files.settingsTree]), ...trees].flatMap(secretsIn)
  return [...written, ...dotenvFaults(files.dir), ...folderFaults(workspace.settings.dataFolder, files.settingsTree)]
}

function secretsIn(tree: TreeNode): readonly Fault[] {
  const faults: Fault[] = []
  const look = (node: TreeNode, name: string): void => {
    for (const item of node.items ?? []) look(item, name)
    for (const entry of node.entries ?? []) look(entry.node, entry.key)
    if (typeof node.value !== 'string' || !isSecret(name, node.value)) return
    faults.push({
      severity: 'high',
      position: node.position,
      message:
        'A secret stands in this file, and will be wherever the file is: in the repository, in images, in backups.',
      cure: 'Put it into .env or the environment, list its name under `env` in streamstack.yaml, and write {{env.NAME}} here. Then replace the secret: it is known.',
    })
  }
  look(tree, '')
  return faults
}

function isSecret(name: string, text: string): boolean {
  const { key } = REDACT_KINDS
  for (let at = 0; at < text.length; at++) {
    if (key.begins(text.charCodeAt(at)) && key.match(text, at, true) > 0) return true
  }
  // Declarations name such inputs, and say of them what they are; a secret has no blanks.
  return SECRET_NAME.test(name) && !text.includes('{{') && /^(?:(?:Bearer|Basic|Token) )?[^\s]{12,}$/.test(text)
}

function dotenvFaults(dir: string): readonly Fault[] {
  const file = join(dir, '.env')
  if (!existsSync(file)) return []
  const position: Position = { file: '.env', line: 1, column: 1 }
  const faults: Fault[] = []
  if ((statSync(file).mode & 0o077) !== 0) {
    faults.push({
      severity: 'medium',
      position,
      message: 'Other users of this machine may read .env.',
      cure: 'chmod 600 .env',
    })
  }
  if (isCommitted(dir)) {
    faults.push({
      severity: 'high',
      position,
      message:
        'No .gitignore between here and the root of the repository names .env, so it is committed with the rest.',
      cure: 'Add `.env` to .gitignore. If it was committed before, replace its secrets.',
    })
  }
  return faults
}

/** Whether a repository holds the folder and none of its .gitignore files leaves .env out. */
function isCommitted(dir: string): boolean {
  for (let folder = dir; ; folder = dirname(folder)) {
    const ignore = join(folder, '.gitignore')
    if (existsSync(ignore) && /^\s*(?:\*\*\/)?\/?(?:\*?\.env\*?)\s*$/m.test(readFileSync(ignore, 'utf8'))) return false
    if (existsSync(join(folder, '.git'))) return true
    if (dirname(folder) === folder) return false
  }
}

function folderFaults(folder: string, settings: TreeNode | null): readonly Fault[] {
  if (!existsSync(folder) || (statSync(folder).mode & 0o077) === 0) return []
  return [
    {
      severity: 'medium',
      position: settingPlace(settings, 'data'),
      message: 'Other users of this machine may read the data folder, which holds records, streams and runs.',
      cure: 'chmod -R go= on the folder.',
    },
  ]
}
