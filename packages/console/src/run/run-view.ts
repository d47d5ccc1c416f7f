import { html, nothing } from 'lit'
import { type Endpoint, type Workspace, developerToken, session } from '../api.ts'
import { shared } from '../page/styles.ts'
import { rememberInputs } from '../runs/known-inputs.ts'
import { download } from '../runs/download.ts'
import { recordingOf } from '../runs/recording.ts'
import { LiveCall } from './live-call.ts'
import { type Asked, RequestForm } from './request-form.ts'
import { runLayout } from './run-layout.ts'
import { RunModel } from './run-model.ts'
import { RunPanes, columnStyles } from './run-panes.ts'

/** An endpoint's page: the request, its stream, its stack. */
export class RunView extends RunPanes {
  static override styles = [...shared, columnStyles, runLayout]
  static override properties = {
    endpoint: { attribute: false },
    workspace: { attribute: false },
    fault: { state: true },
  }
  declare endpoint: Endpoint
  declare workspace: Workspace
  declare fault: string
  #call: LiveCall | null = null
  #asked: { readonly inputs: Asked['inputs']; readonly startedAt: string } | null = null

  constructor() {
    super()
    this.fault = ''
  }

  override willUpdate(changed: Map<string, unknown>): void {
    if (!changed.has('endpoint')) return
    const before = changed.get('endpoint') as Endpoint | undefined
    // A file that was saved again is the same endpoint: its last run stays in sight.
    if (before !== undefined && before.method === this.endpoint.method && before.path === this.endpoint.path) return
    this.#forget()
    this.fault = ''
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#call?.leave()
  }

  override render(): unknown {
    const { model, endpoint, workspace } = this
    const isOpen = model?.isOpen ?? false
    return html`<section class="col" aria-label="Request">
        <request-form
          .endpoint=${endpoint}
          .open=${isOpen}
          .canMakeTokens=${workspace.mode === 'dev' && workspace.checks_tokens}
          @run=${(event: CustomEvent<Asked>) => void this.#run(event.detail)}
          @stop=${() => this.#call?.stop()}
        ></request-form>
      </section>
      ${this.renderStream(endpoint.stack, this.fault, this.#renderActions())}
      <section class="col" aria-label="Function stack">
        ${this.renderStack(endpoint.stack, endpoint.file, workspace.mode)}
      </section>`
  }

  #renderActions(): unknown {
    const { model } = this
    const isOpen = model?.isOpen ?? false
    return html`<span class="row" slot="actions">
      <button class="btn slim" ?disabled=${!isOpen} @click=${() => this.#call?.drop()}>Drop connection</button>
      ${
        model === null || isOpen
          ? nothing
          : html`<button class="btn slim" @click=${() => this.#download(model)}>Download</button>`
      }
    </span>`
  }

  async #run({ inputs, format, caller, token, roles, recordsVariables }: Asked): Promise<void> {
    this.fault = ''
    this.#forget()
    void this.#showStream()
    let bearer = caller === 'token' ? token : ''
    if (caller === 'developer') {
      try {
        bearer = await developerToken('developer', roles)
      } catch (error) {
        this.fault = (error as Error).message
        return
      }
    }
    // The console's own right, where the server asks for one, is needed for the trace.
    if (bearer === '') bearer = session.token
    const model = new RunModel(this.endpoint, () => {
      if (model.run !== null) rememberInputs(model.run, inputs)
      this.tick++
    })
    this.#asked = { inputs, startedAt: new Date().toISOString() }
    this.model = model
    this.#call = new LiveCall(model, { inputs, format, token: bearer, recordsVariables })
  }

  /** Where the columns are below each other, the stream is below the form. */
  async #showStream(): Promise<void> {
    await this.updateComplete
    this.renderRoot.querySelector('.stream')?.scrollIntoView({ block: 'nearest' })
  }

  #forget(): void {
    this.#call?.leave()
    this.#call = null
    this.show(null)
  }

  #download(model: RunModel): void {
    const { inputs, startedAt } = this.#asked ?? { inputs: null, startedAt: null }
    download(recordingOf(model, { inputs, startedAt }))
  }

  /** Runs with what the form holds, or with these inputs. */
  async runNow(inputs: Readonly<Record<string, unknown>> | null): Promise<void> {
    await this.updateComplete
    const form = this.renderRoot.querySelector('request-form')
    if (!(form instanceof RequestForm)) return
    await form.updateComplete
    if (inputs !== null) form.fill(inputs)
    form.submit()
  }
}

customElements.define('run-view', RunView)
