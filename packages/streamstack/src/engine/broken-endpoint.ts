import { StreamstackError } from '@streamstack/protocol'
import { formatIssue } from '../workspace/index.ts'
import type { EndpointDefinition, Issue } from '../definition/types.ts'
import type { Mode } from './mode.ts'

/**
 * A route whose file has never been valid, so there is no plan to run. Calls get 503 instead of
 * 404.
 */
export class BrokenEndpoint {
  readonly file: string
  readonly method: EndpointDefinition['method']
  readonly path: string
  /** Whether clients of the AI SDK resume chats below its path, as far as the text of the file tells. */
  readonly resumesChats: boolean
  /** The first fault of the file. */
  readonly #issue: Issue | null

  constructor(
    { file, text }: { readonly file: string; readonly text: string },
    { method, path }: Pick<EndpointDefinition, 'method' | 'path'>,
    issues: readonly Issue[],
  ) {
    this.file = file
    this.resumesChats = /\bai-sdk\b/.test(text)
    this.method = method
    this.path = path
    this.#issue = issues.find(({ severity, position }) => severity === 'error' && position.file === file) ?? null
  }

  /** Returns the error for callers. Only in `dev` mode it contains the fault of the file. */
  error(mode: Mode): StreamstackError {
    const detail =
      mode === 'dev' && this.#issue !== null
        ? formatIssue(this.#issue)
        : 'The definition of this endpoint has a fault. The log of the server names it.'
    return new StreamstackError('endpoint_broken', detail)
  }
}
