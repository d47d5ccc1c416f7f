import { controls } from '@streamstack/elements/theme/controls.js'
import { tokens } from '@streamstack/elements/theme/tokens.js'
import { css } from 'lit'

/** Styles that all parts of the page share. */
export const shared = [
  tokens,
  controls,
  css`
    :host {
      min-inline-size: 0;
    }
    h2,
    p,
    ul,
    ol,
    dl,
    dd,
    table {
      margin: 0;
      padding: 0;
    }
    ul,
    ol {
      list-style: none;
    }
    a {
      color: inherit;
    }
    .mono,
    code {
      font-family: var(--mono);
      font-size: var(--size-2);
    }
    .muted {
      color: var(--text-2);
    }
    .small {
      font-size: var(--size-2);
    }
    .tiny {
      font-size: var(--size-1);
      color: var(--text-3);
    }
    .grow {
      flex: 1;
      min-inline-size: 0;
    }
    .row {
      display: flex;
      flex-wrap: wrap;
      gap: 8px;
      align-items: center;
    }
    h2.part {
      font-size: var(--size-2);
      font-weight: 650;
      display: flex;
      justify-content: space-between;
      align-items: baseline;
      gap: 8px;
      margin-block-end: 12px;
    }
    .box {
      border: 1px solid var(--line);
      border-radius: var(--radius);
      background: var(--surface);
    }
    a.pill {
      text-decoration: none;
    }
    .verb {
      font: 600 10px var(--mono);
      color: var(--running);
    }
    .verb.post {
      color: var(--ok);
    }
    .field {
      inline-size: 100%;
      box-sizing: border-box;
      padding: 7px 9px;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      background: var(--surface);
      color: var(--text);
      font: var(--size-3) / 1.4 var(--font);
    }
    textarea.field {
      resize: vertical;
      min-block-size: 74px;
    }
    .seg {
      display: inline-flex;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      overflow: hidden;
      background: var(--surface);
    }
    .seg button {
      padding: 4px 11px;
      border: 0;
      border-inline-end: 1px solid var(--line);
      background: none;
      color: var(--text-2);
      font-weight: 450;
      min-block-size: 28px;
    }
    .seg button:last-child {
      border: 0;
    }
    .seg button[aria-pressed='true'] {
      background: var(--accent-weak);
      color: var(--text);
      font-weight: 600;
    }
    .seg button:focus-visible {
      outline-offset: -2px;
    }
    .btn.slim {
      padding: 4px 9px;
      min-block-size: 28px;
    }
    kbd {
      font: var(--size-1) var(--mono);
      padding: 1px 5px;
      border: 1px solid currentColor;
      border-radius: 4px;
    }
    /* Backgrounds are the system's there: what is chosen gets a frame, what is a sign keeps its color. */
    @media (forced-colors: active) {
      [aria-selected='true'],
      [aria-current],
      [aria-pressed='true'],
      .chosen {
        outline: 2px solid Highlight;
        outline-offset: -2px;
      }
      .dot,
      .gap i {
        forced-color-adjust: none;
      }
    }
    .vh {
      position: absolute;
      inline-size: 1px;
      block-size: 1px;
      overflow: hidden;
      clip-path: inset(50%);
      white-space: nowrap;
    }
  `,
]
