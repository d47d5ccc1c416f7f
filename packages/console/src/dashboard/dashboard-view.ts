import '@streamstack/elements/stream-dashboard.js'
import { LitElement, css, html } from 'lit'
import { SERVER, session } from '../api.ts'
import { shared } from '../page/styles.ts'
import { serverDashboard } from './server-dashboard.ts'

/** The server's own numbers, by the element that any page may use. */
export class DashboardView extends LitElement {
  static override styles = [
    ...shared,
    css`
      :host {
        display: block;
        padding: 24px;
        overflow: auto;
        block-size: 100%;
        box-sizing: border-box;
      }
    `,
  ]

  override render(): unknown {
    return html`<stream-dashboard
      .server=${SERVER}
      .token=${session.token === '' ? null : session.token}
      .description=${serverDashboard}
    ></stream-dashboard>`
  }
}

customElements.define('dashboard-view', DashboardView)
