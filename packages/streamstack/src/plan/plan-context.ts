import type { Value } from '@streamstack/protocol'
import type { ChannelTable } from '../channel/index.ts'
import type { FunctionDefinition, FunctionOutline } from '../functions/index.ts'
import type { TableDeclaration } from '../table/index.ts'
import type { Env } from './env.ts'

/** What a workspace offers to the stacks in it. */
export interface PlanContext {
  definitions: ReadonlyMap<string, FunctionDefinition>
  functionFiles: ReadonlyMap<string, FunctionOutline>
  tables: ReadonlyMap<string, TableDeclaration>
  channels: ChannelTable
  /** Whether the workspace has a secret to sign tokens with. */
  signsTokens: boolean
  /** Constants of the settings. */
  variables: Readonly<Record<string, Value>>
  env: Env
}
