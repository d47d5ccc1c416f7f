import { css } from 'lit'

/** Height of a row; rows that are not in sight are counted by it. */
export const ROW_PX = 27

/** A table of chunks: offset, gap, content, bytes, step; the last two where there is room. */
export const chunkListStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    /* The page may be wide and this column narrow. */
    container-type: inline-size;
    min-block-size: 200px;
    position: relative;
    font-size: var(--size-2);
  }
  .head,
  .line {
    display: grid;
    grid-template-columns: 40px 124px minmax(0, 1fr) 44px 124px;
    gap: 8px;
    align-items: center;
    padding-inline: 8px;
  }
  .head {
    color: var(--text-3);
    font-size: var(--size-1);
    padding-block: 4px;
    border-block-end: 1px solid var(--line);
  }
  .scroll {
    flex: 1;
    overflow: auto;
    overflow-anchor: none;
    min-block-size: 0;
  }
  .all {
    position: relative;
  }
  .line {
    position: absolute;
    inset-inline: 0;
    block-size: ${ROW_PX}px;
    box-sizing: border-box;
    border-block-end: 1px solid var(--line);
    font-family: var(--mono);
    cursor: pointer;
  }
  .line:hover {
    background: var(--sunken);
  }
  .line[aria-selected='true'] {
    background: var(--accent-weak);
  }
  .line > * {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: pre;
  }
  .line.mine {
    box-shadow: inset 3px 0 var(--accent);
  }
  .number {
    text-align: end;
    color: var(--text-2);
  }
  .gap i {
    display: inline-block;
    block-size: 7px;
    border-radius: 2px;
    background: var(--accent);
    opacity: 0.55;
    margin-inline-end: 7px;
    vertical-align: middle;
  }
  .gap.stall {
    color: var(--caught);
  }
  .gap.stall i {
    background: var(--caught);
    opacity: 1;
  }
  .kind {
    color: var(--text-2);
    font-family: var(--font);
    font-size: var(--size-1);
    margin-inline-end: 6px;
  }
  .kind.error {
    color: var(--failed);
  }
  .more {
    position: absolute;
    inset-block-end: 10px;
    inset-inline-start: 50%;
    translate: -50% 0;
    box-shadow: var(--shadow);
  }
  .none {
    padding: 24px 8px;
    color: var(--text-3);
  }
  @container (max-width: 560px) {
    .head,
    .line {
      grid-template-columns: 44px 120px minmax(0, 1fr);
    }
    .wide {
      display: none;
    }
  }
`
