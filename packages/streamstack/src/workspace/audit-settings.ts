import { isAbsolute, join } from 'node:path'
import { z } from 'zod'
import type { AuditSettings } from '../audit/index.ts'
import { byteSizeFrom, duration, flag, OBJECT_MESSAGE, text } from './setting-types.ts'

export const auditHeadShape = {
  every: duration(1_000)
    .prefault('10m')
    .describe('How often the head of the chain, the number and hash of its newest entry, is written to the log.'),
  webhook: text
    .refine((url) => /^https?:\/\/[^\s]+$/i.test(url), 'must be a URL such as https://notary.example/heads')
    .optional()
    .describe('URL to which each head is also sent, with POST, as JSON. `outbound.allow` applies.'),
  authorization: text
    .optional()
    .describe('Value of the header Authorization for the webhook; give it as "{{env.NAME}}".'),
}

/** `audit`: the record of who did what. */
export const auditShape = {
  enabled: flag.prefault(false).describe('Whether the server keeps an audit.'),
  folder: text
    .optional()
    .describe('Folder of its files, from the workspace folder. Default: `audit` in the data folder.'),
  calls: z
    .enum(['all', 'refused'], 'must be all or refused')
    .default('all')
    .describe('Which calls have entries: all, or only refused ones.'),
  inputs: z
    .record(
      z.string(),
      z.enum(['clear', 'hash'], 'must be clear or hash'),
      'must be an object of input and clear or hash',
    )
    .default({})
    .meta({
      title: 'object of input and clear or hash',
      description:
        'Inputs that entries record, by name: `{ order_id: clear, email: hash }`. clear: texts of up to 200 characters, numbers, true and false as they are, and everything else as its hash; hash: as a keyed hash, which `streamstack audit hash` computes, too. All other inputs are left out.',
    }),
  on_failure: z
    .enum(['refuse', 'continue'], 'must be refuse or continue')
    .default('refuse')
    .describe(
      'What happens while the audit cannot be written, for example because the disk is full. refuse: calls get 503; continue: calls are answered, and entries that do not fit in 8 MiB of memory are lost and counted.',
    ),
  max_age: duration(86_400_000)
    .optional()
    .describe('Entries older than this are removed, by whole days. If omitted, age removes none.'),
  max_bytes: byteSizeFrom(16 * 1_048_576, 'must be a size of at least 16mb')
    .prefault('1gb')
    .describe('How much the entries may occupy on disk; the oldest are removed, 4 MiB at a time.'),
  head: z.strictObject(auditHeadShape, OBJECT_MESSAGE).prefault({}),
}

const audit = z.strictObject(auditShape, OBJECT_MESSAGE)

/** Returns the settings of the audit, in its own shape. `folder`: null is its place in the data folder. */
export function auditSettings(
  checked: z.output<typeof audit>,
  dir: string,
): Omit<AuditSettings, 'folder'> & { readonly folder: string | null } {
  const { folder, head } = checked
  return {
    isEnabled: checked.enabled,
    folder: folder === undefined ? null : isAbsolute(folder) ? folder : join(dir, folder),
    calls: checked.calls,
    inputs: checked.inputs,
    onFailure: checked.on_failure,
    maxAgeMs: checked.max_age ?? null,
    maxBytes: checked.max_bytes,
    head: { everyMs: head.every, webhook: head.webhook ?? null, authorization: head.authorization ?? null },
  }
}
