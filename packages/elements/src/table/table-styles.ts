import { css } from 'lit'

export const tableStyles = css`
  :host {
    --row: 30px;
    position: relative;
    display: flex;
    flex-direction: column;
    block-size: 420px;
    padding: 0;
    overflow: hidden;
  }
  .head {
    flex-wrap: wrap;
    padding: 10px 16px;
    border-block-end: 1px solid var(--line);
  }
  .head .tiny {
    margin-inline-start: auto;
  }
  .view {
    position: relative;
    flex: 1;
    min-block-size: 0;
    overflow: auto;
    overflow-anchor: none;
    scrollbar-width: thin;
    font-size: var(--size-2);
  }
  .view:focus-visible {
    outline-offset: -2px;
  }
  .row {
    display: grid;
    grid-template-columns: var(--columns);
    block-size: var(--row);
    min-inline-size: var(--width);
    align-items: center;
  }
  .names {
    position: sticky;
    inset-block-start: 0;
    z-index: 1;
    border-block-end: 1px solid var(--line);
    background: var(--surface);
  }
  .names button {
    inline-size: 100%;
    block-size: 100%;
    padding: 0 12px;
    border: 0;
    background: none;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    color: var(--text-3);
    font-size: var(--size-1);
    font-weight: 500;
    text-align: start;
  }
  .names button:hover {
    background: var(--sunken);
    color: var(--text);
  }
  .names button:focus-visible {
    outline-offset: -2px;
  }
  .names [role] [role] {
    block-size: 100%;
    min-inline-size: 0;
  }
  .number,
  .names .number button {
    text-align: end;
  }
  .names [aria-sort] button {
    color: var(--text);
    font-weight: 650;
  }
  .space {
    position: relative;
    min-inline-size: var(--width);
  }
  .space .row {
    position: absolute;
    inset-block-start: 0;
    inset-inline: 0;
    border-block-end: 1px solid var(--line);
    font-family: var(--mono);
    contain: strict;
  }
  .space .row[hidden] {
    display: none;
  }
  .space .row > div {
    padding: 0 12px;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .space .row:hover {
    background: var(--sunken);
  }
  .number {
    font-variant-numeric: tabular-nums;
  }
  .new {
    inset-block-end: 12px;
  }
`
