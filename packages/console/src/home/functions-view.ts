import { LitElement, css, html } from 'lit'
import type { Workspace } from '../api.ts'
import { shared } from '../page/styles.ts'
import { withCode } from '../page/with-code.ts'

/** What a step can do: the functions of this server. */
export class FunctionsView extends LitElement {
  static override styles = [
    ...shared,
    css`
      :host {
        display: block;
        overflow: auto;
        block-size: 100%;
        box-sizing: border-box;
      }
      div {
        padding: 24px;
        max-inline-size: 820px;
      }
      dt {
        font-weight: 600;
        margin-block-start: 12px;
      }
      dd {
        color: var(--text-2);
      }
    `,
  ]
  static override properties = { workspace: { attribute: false } }
  declare workspace: Workspace

  override render(): unknown {
    return html`<div tabindex="0" role="region" aria-label="Functions">
      <h2 class="part">Functions <span class="tiny">what a step can do</span></h2>
      <dl>
        ${this.workspace.functions.map(
          ({ name, summary }) =>
            html`<dt>${name}</dt>
              <dd>${withCode(summary)}</dd>`,
        )}
      </dl>
    </div>`
  }
}

customElements.define('functions-view', FunctionsView)
