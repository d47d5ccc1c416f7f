import type { ReactiveController, ReactiveControllerHost } from 'lit'
import { ApiError, type Workspace, api, session } from '../api.ts'

/** Interval between reads of the workspace, so that saved files show soon. */
const REFRESH_MS = 2_000

/** Keeps the description of the workspace up to date. */
export class WorkspaceReader implements ReactiveController {
  workspace: Workspace | null = null
  /** Why it could not be read; '': it could. */
  fault = ''
  /** Whether the server requires another token. */
  isDenied = false
  readonly #host: ReactiveControllerHost
  #timer = 0
  #text = ''
  #hasRetried = false

  constructor(host: ReactiveControllerHost) {
    this.#host = host
    host.addController(this)
  }

  hostConnected(): void {
    void this.read()
  }

  hostDisconnected(): void {
    clearTimeout(this.#timer)
  }

  /** Reads with a token that the user has given. */
  enter(token: string): void {
    session.token = token
    this.isDenied = false
    void this.read()
  }

  async read(): Promise<void> {
    clearTimeout(this.#timer)
    const { fault, isDenied } = this
    try {
      const workspace = await api<Workspace>('/v1/workspace')
      const text = JSON.stringify(workspace)
      const isChanged = text !== this.#text
      if (isChanged) this.workspace = workspace
      this.#text = text
      this.fault = ''
      // Unchanged data is not rendered again, because the user may be typing.
      if (isChanged || fault !== '') this.#host.requestUpdate()
    } catch (error) {
      const status = error instanceof ApiError ? error.status : 0
      // A token of an earlier day, or of another server on this port.
      if (status === 401 && session.token !== '' && !this.#hasRetried) {
        this.#hasRetried = true
        session.token = ''
        return await this.read()
      }
      this.isDenied = status === 401 || status === 403
      this.fault = (error as Error).message
      if (this.fault !== fault || this.isDenied !== isDenied) this.#host.requestUpdate()
    }
    if (!this.isDenied) this.#timer = window.setTimeout(() => void this.read(), REFRESH_MS)
  }
}
