import '@streamstack/elements/activity-feed.js'
import '@streamstack/elements/live-chart.js'
import '@streamstack/elements/metric-card.js'
import { LitElement, css, html } from 'lit'
import { SERVER, session } from '../api.ts'
import { shared } from '../page/styles.ts'

/** The server's own numbers, by the elements that any page may use. */
export class DashboardView extends LitElement {
  static override styles = [
    ...shared,
    css`
      :host {
        padding: 24px;
        overflow: auto;
        block-size: 100%;
        box-sizing: border-box;
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 240px), 1fr));
        gap: 16px;
        align-content: start;
      }
      live-chart,
      activity-feed {
        grid-column: 1 / -1;
      }
    `,
  ]

  override render(): unknown {
    const token = session.token === '' ? null : session.token
    const card = (heading: string, path: string, unit = '', scale = 1): unknown =>
      html`<metric-card
        server=${SERVER}
        stream="system/metrics"
        heading=${heading}
        path=${path}
        unit=${unit}
        scale=${scale}
        .token=${token}
      ></metric-card>`
    return html`${card('Requests a minute', 'requests.last_minute')} ${card('Runs going on', 'active_streams')}
      ${card('First chunk, p95', 'first_chunk_ms.p95', 'ms')} ${card('Error rate', 'error_rate', '%', 100)}
      <live-chart
        server=${SERVER}
        stream="system/metrics"
        heading="Readers"
        type="line"
        path="active_readers"
        .token=${token}
      ></live-chart>
      <activity-feed server=${SERVER} stream="system/activity" heading="Calls" .token=${token}></activity-feed>`
  }
}

customElements.define('dashboard-view', DashboardView)
