import { html } from 'lit'
import { SERVER } from '../api.ts'

export interface FilePlace {
  readonly file: string
  readonly line: number
  readonly column?: number
}

/** A place in a file: in `dev` a link that opens it in VS Code, else text. `text`: instead of the place itself. */
export function fileLink(mode: 'dev' | 'serve', { file, line, column }: FilePlace, text?: string): unknown {
  const shown = text ?? `${file}:${line}${column === undefined ? '' : `:${column}`}`
  if (mode !== 'dev') return html`<span class="mono">${shown}</span>`
  // The server knows where the folder is, and the page does not.
  const query = new URLSearchParams({ file, line: String(Math.max(1, line)), column: String(column ?? 1) })
  return html`<a class="mono" href=${`${SERVER}/v1/workspace/editor?${query.toString()}`} title="Open in VS Code"
    >${shown}</a
  >`
}
