import { css } from 'lit'

/** Request, stream and stack side by side; at less width below each other, in reading order. */
export const runLayout = css`
  :host {
    display: grid;
    grid-template-columns: 284px minmax(0, 1fr) 312px;
    min-block-size: 0;
    block-size: 100%;
  }
  @media (max-width: 1180px) {
    :host {
      grid-template-columns: 284px minmax(0, 1fr);
      overflow: auto;
    }
    .col:last-child {
      grid-column: 1 / -1;
      border-block-start: 1px solid var(--line);
    }
    .stream {
      min-block-size: 620px;
    }
  }
  @media (max-width: 760px) {
    :host {
      grid-template-columns: minmax(0, 1fr);
    }
    .col {
      border-inline-end: 0;
      border-block-end: 1px solid var(--line);
    }
  }
`
