import { LitElement, css, html, nothing } from 'lit'
import { SERVER, api } from '../api.ts'
import { endpointHash } from '../page/route.ts'
import { shared } from '../page/styles.ts'
import { withCode } from '../page/with-code.ts'
import type { ApiDocument } from './openapi.ts'
import { type ShownAnswer, type ShownInput, type ShownOperation, operationsOf } from './operations.ts'

/** The HTTP interface of the server for this caller: its OpenAPI document, to read. */
export class ReferenceView extends LitElement {
  static override styles = [
    ...shared,
    css`
      :host {
        display: block;
        overflow: auto;
        block-size: 100%;
        box-sizing: border-box;
      }
      .page {
        padding: 24px;
        max-inline-size: 960px;
        display: grid;
        gap: 12px;
      }
      [hidden] {
        display: none;
      }
      details {
        padding: 0 14px;
      }
      summary {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 10px;
        align-items: baseline;
        padding-block: 10px;
        cursor: pointer;
      }
      summary .verb {
        inline-size: 52px;
      }
      /* Beside the path if there is room for a few words; otherwise below it. */
      summary .grow {
        flex: 1 1 min(220px, 100%);
      }
      summary .path {
        font: 600 var(--size-2) var(--mono);
        overflow-wrap: anywhere;
      }
      .scroll {
        overflow-x: auto;
      }
      table {
        inline-size: 100%;
        border-collapse: collapse;
        font-size: var(--size-2);
        margin-block-end: 14px;
      }
      th,
      td {
        text-align: start;
        vertical-align: top;
        padding: 6px 10px 6px 0;
        border-block-end: 1px solid var(--line);
      }
      th {
        font-weight: 600;
        color: var(--text-2);
      }
      td {
        overflow-wrap: anywhere;
      }
      td:first-child,
      td:nth-child(2):not(.answer) {
        white-space: nowrap;
      }
      .answer {
        white-space: pre-line;
      }
    `,
  ]
  static override properties = {
    document: { state: true },
    fault: { state: true },
    filter: { state: true },
  }
  declare document: ApiDocument | null
  declare fault: string
  declare filter: string

  constructor() {
    super()
    this.document = null
    this.fault = ''
    this.filter = ''
  }

  override connectedCallback(): void {
    super.connectedCallback()
    void this.#load()
  }

  override render(): unknown {
    const { document, fault, filter } = this
    const wanted = filter.trim().toLowerCase()
    const operations = document === null ? [] : operationsOf(document)
    const shown = operations.filter(
      ({ method, path, summary }) => wanted === '' || `${method} ${path} ${summary}`.toLowerCase().includes(wanted),
    )
    return html`<div class="page" tabindex="0" role="region" aria-label="Reference">
      <h2 class="part">
        HTTP reference
        <span class="tiny"
          >OpenAPI 3.1 · <a href="${SERVER}/openapi.json" download="openapi.json">openapi.json</a></span
        >
      </h2>
      <input
        class="field"
        type="search"
        placeholder="Filter by path, method or summary"
        aria-label="Filter"
        @input=${(event: Event) => (this.filter = (event.target as HTMLInputElement).value)}
      />
      ${fault === '' ? nothing : html`<p role="alert">${fault}</p>`}
      ${document !== null && shown.length === 0 ? html`<p class="muted small">Nothing matches.</p>` : nothing}
      ${[...Map.groupBy(operations, ({ group }) => group)].map(
        ([group, members]) =>
          html`<h3 class="small" ?hidden=${!members.some((one) => shown.includes(one))}>${group}</h3>
            ${members.map((one) => this.#operation(one, shown.includes(one)))}`,
      )}
    </div>`
  }

  #operation(operation: ShownOperation, isShown: boolean): unknown {
    const { method, path, summary, inputs, answers, token, group } = operation
    // The path of the console's form: `{id}` is `:id` there.
    const hash = endpointHash({ method, path: path.replaceAll(/\{(\w+)\}/g, ':$1') })
    return html`<details class="box" ?hidden=${!isShown}>
      <summary>
        <span class="verb ${method === 'GET' ? '' : 'post'}">${method}</span><span class="path">${path}</span
        ><span class="muted small grow">${summary}</span>${
          token === null ? nothing : html`<span class="pill plain">${token}</span>`
        }
      </summary>
      ${inputs.length === 0 ? nothing : html`<div class="scroll">${inputTable(inputs)}</div>`}
      <div class="scroll">${answerTable(answers)}</div>
      ${group === 'Endpoints' ? html`<p class="small"><a href=${hash}>Run it</a></p>` : nothing}
    </details>`
  }

  async #load(): Promise<void> {
    try {
      this.document = await api<ApiDocument>('/openapi.json')
      this.fault = ''
    } catch (error) {
      this.fault = (error as Error).message
    }
  }
}

function inputTable(inputs: readonly ShownInput[]): unknown {
  return table(
    ['Input', 'In', 'Type', 'Description'],
    inputs.map(
      ({ name, place, type, isRequired, bounds, description }) =>
        html`<td><code>${name}</code>${isRequired ? html` <span class="tiny">required</span>` : nothing}</td>
          <td>${place}</td>
          <td>${type}</td>
          <td>${withCode(description)} ${bounds === '' ? nothing : html`<span class="muted">${bounds}</span>`}</td>`,
    ),
  )
}

function answerTable(answers: readonly ShownAnswer[]): unknown {
  return table(
    ['Status', 'Answer', 'Content'],
    answers.map(
      ({ status, description, types, headers }) =>
        html`<td><code>${status}</code></td>
          <td class="answer">${withCode(description)}</td>
          <td>
            ${types.map((type) => html`<code>${type}</code><br />`)}
            ${headers.length === 0 ? nothing : html`<span class="muted">with ${headers.join(', ')}</span>`}
          </td>`,
    ),
  )
}

/** A table with the names of its columns; each row is its cells. */
function table(names: readonly string[], rows: readonly unknown[]): unknown {
  return html`<table>
    <thead>
      <tr>
        ${names.map((name) => html`<th scope="col">${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (cells) =>
          html`<tr>
            ${cells}
          </tr>`,
      )}
    </tbody>
  </table>`
}

customElements.define('reference-view', ReferenceView)
