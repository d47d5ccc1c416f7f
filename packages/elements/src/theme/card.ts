import { css } from 'lit'

/** A card: surface, hairline, one shadow. */
export const card = css`
  :host {
    padding: 16px;
    border: 1px solid var(--line);
    border-radius: 10px;
    background: var(--surface);
    box-shadow: var(--shadow);
    min-inline-size: 0;
  }
  .head {
    display: flex;
    gap: 8px;
    justify-content: space-between;
    align-items: center;
    min-block-size: 20px;
  }
  h2 {
    margin: 0;
    min-inline-size: 0;
    overflow: hidden;
    text-overflow: ellipsis;
    color: var(--text-2);
    font-size: var(--size-2);
    font-weight: 550;
  }
`

/** What stands in a card that has nothing to show yet. */
export const noData = css`
  .none {
    display: grid;
    flex: 1;
    place-content: center;
    color: var(--text-3);
    font-size: var(--size-2);
  }
`
