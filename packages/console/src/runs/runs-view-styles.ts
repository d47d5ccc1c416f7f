import { css } from 'lit'

/** The list of runs beside the opened run. */
export const runsViewStyles = css`
  :host {
    display: grid;
    grid-template: minmax(0, 1fr) / 300px minmax(0, 1fr);
    block-size: 100%;
    min-block-size: 0;
  }
  .list {
    padding: 16px;
    overflow: auto;
    border-inline-end: 1px solid var(--line);
  }
  .list h2 {
    margin: 0;
  }
  ul {
    margin-block-start: 12px;
  }
  .item {
    display: grid;
    grid-template-columns: minmax(0, 1fr) auto;
    gap: 2px 10px;
    inline-size: 100%;
    text-align: start;
    padding: 8px 4px;
    border: 0;
    border-block-end: 1px solid var(--line);
    border-radius: 0;
    background: none;
    font-weight: 400;
    overflow-wrap: anywhere;
  }
  .item .pill {
    align-self: start;
  }
  .item .tiny {
    grid-column: 1 / -1;
  }
  .item:hover,
  .item[aria-current] {
    background: var(--accent-weak);
  }
  .item:hover .tiny,
  .item[aria-current] .tiny {
    color: var(--text-2);
  }
  .filters {
    margin-block-start: 8px;
  }
  .filters .field {
    flex: 1 1 110px;
    min-inline-size: 0;
    inline-size: auto;
    padding: 4px 9px;
    font-size: var(--size-2);
  }
  .error {
    color: var(--failed);
    padding-block: 12px;
    overflow-wrap: anywhere;
  }
  .wait {
    padding: 24px;
  }
  .opened.over {
    outline: 2px dashed var(--accent);
    outline-offset: -6px;
  }
  .opened {
    min-inline-size: 0;
    min-block-size: 0;
  }
  @media (max-width: 760px) {
    :host {
      grid-template: auto / minmax(0, 1fr);
      overflow: auto;
    }
    .list {
      border-inline-end: 0;
      border-block-end: 1px solid var(--line);
      max-block-size: 300px;
    }
  }
`
