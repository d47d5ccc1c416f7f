import { ownSigner } from '../access/index.ts'
import type { Services } from '../run/index.ts'
import { GuardedRecords, type RecordStore } from '../table/index.ts'
import type { Settings } from '../workspace/index.ts'
import type { OutwardDoor } from './outward-door.ts'

interface ServedWorkspace extends Pick<Services, 'conversations' | 'channels' | 'log' | 'hideSecrets'> {
  readonly records: RecordStore
  readonly door: OutwardDoor
  readonly settings: () => Settings
  readonly hidesDetails: () => boolean
}

/** What the runs of a workspace may reach. Its settings and its door are asked for at each use, as a reload replaces them. */
export function runServices(workspace: ServedWorkspace): Services {
  const { records, door, settings, hidesDetails, conversations, channels, log, hideSecrets } = workspace
  return {
    recordsFor: (auth) =>
      new GuardedRecords(records, auth, (table, err) =>
        log.warn({ table, err }, 'a rule of a table failed and lets no record pass'),
      ),
    conversations,
    channels,
    log,
    get outbound() {
      return door.current
    },
    get signer() {
      return ownSigner(settings().auth.jwt)
    },
    get prices() {
      return settings().ai.prices
    },
    get hidesDetails() {
      return hidesDetails()
    },
    hideSecrets,
  }
}
