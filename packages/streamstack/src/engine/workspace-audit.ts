import { join } from 'node:path'
import { StreamstackError } from '@streamstack/protocol'
import type { Audit } from '../audit/index.ts'
import type { Settings } from '../workspace/index.ts'
import type { Mode } from './mode.ts'

/** The settings of an audit, and where its files are by default. */
export interface AuditPlace {
  readonly settings: Settings
  readonly dataFolder: string
  readonly mode: Mode
}

/** Opens, changes or closes the audit, as the settings say. Throws what opening its files throws. */
export function configureAudit(audit: Audit, place: AuditPlace): void {
  const { audit: own, auth, values } = place.settings
  const settings = { ...own, folder: folderOf(place) }
  audit.configure(settings, { values, keys: auth.keys }, { mode: place.mode, keys: auth.keys.length })
}

/** As `configureAudit` when a server starts. Throws `storage_failed`: a server that must keep an audit does not serve without one. */
export function openAudit(audit: Audit, place: AuditPlace): void {
  try {
    configureAudit(audit, place)
  } catch (cause) {
    const why = cause instanceof StreamstackError ? cause.message : (cause as Error).message
    throw new StreamstackError(
      'storage_failed',
      `The audit in ${folderOf(place)} cannot be opened: ${why} Mend the folder, name another as \`audit.folder\`, or turn the audit off.`,
      { cause },
    )
  }
}

function folderOf({ settings, dataFolder }: AuditPlace): string {
  return settings.audit.folder ?? join(dataFolder, 'audit')
}
