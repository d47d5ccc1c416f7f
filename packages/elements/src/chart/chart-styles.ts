import { css } from 'lit'

export const chartStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    min-block-size: 0;
  }
  .head {
    flex: none;
  }
  .note {
    margin-inline-start: auto;
  }
  .plot {
    position: relative;
    flex: 1;
    min-block-size: 150px;
    margin-block-start: 8px;
    overflow: hidden;
    border-radius: var(--radius-small);
  }
  .plot > .uplot,
  .plot > div:not(.none) {
    position: absolute;
    inset: 0;
    /* Time runs from left to right in every language. */
    direction: ltr;
  }
  .none {
    min-block-size: 120px;
  }
  .plot > .none {
    position: absolute;
    inset: 0;
    min-block-size: 0;
  }
  .legend {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 4px;
    margin: 6px 0 0 -6px;
    padding: 0;
    list-style: none;
  }
  .legend button {
    display: flex;
    gap: 7px;
    align-items: center;
    padding: 3px 6px;
    border: 0;
    border-radius: var(--radius-small);
    background: none;
    color: var(--text-2);
    font-size: var(--size-1);
  }
  .legend button:hover {
    background: var(--sunken);
  }
  .legend b {
    color: var(--text);
    font: 600 var(--size-1) var(--mono);
    font-variant-numeric: tabular-nums;
  }
  .legend i {
    inline-size: 16px;
    block-size: 0;
    border-block-start: 2px solid var(--color);
  }
  .legend i.dashed {
    border-block-start-style: dashed;
  }
  .legend button[aria-pressed='false'] {
    color: var(--text-3);
    text-decoration: line-through;
  }
  .legend button[aria-pressed='false'] :is(i, b) {
    opacity: 0.4;
  }
  .bars {
    display: grid;
    gap: 10px;
    margin: 12px 0 0;
    padding: 0;
    list-style: none;
    font-size: var(--size-2);
  }
  .bars li {
    display: grid;
    grid-template-columns: minmax(0, 1fr) auto;
    gap: 3px 12px;
  }
  .bars span {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    font-family: var(--mono);
  }
  .bars b {
    font: 600 var(--size-2) var(--mono);
    font-variant-numeric: tabular-nums;
  }
  .bars div {
    grid-column: 1 / -1;
    block-size: 8px;
    border-radius: 3px;
    background: var(--sunken);
    overflow: hidden;
  }
  .bars i {
    display: block;
    block-size: 100%;
    inline-size: var(--share);
    border-radius: 3px;
    background: color-mix(in oklab, var(--accent) 55%, var(--sunken));
    transition: inline-size 0.3s ease-out;
  }
  .bars li.top i {
    background: var(--accent);
  }
  .gauge {
    flex: 1;
    display: grid;
    align-content: center;
    justify-items: center;
    gap: 4px;
    margin-block-start: 8px;
  }
  .gauge svg {
    inline-size: min(100%, 230px);
    block-size: auto;
  }
  .gauge path {
    fill: none;
    stroke: var(--sunken);
    stroke-width: 16;
    stroke-linecap: round;
  }
  .gauge .arc {
    stroke: var(--ok);
    stroke-dasharray: var(--share) 1;
    transition: stroke-dasharray 0.4s ease-out;
  }
  .gauge .caught {
    stroke: var(--caught);
  }
  .gauge .failed {
    stroke: var(--failed);
  }
  .gauge text {
    fill: var(--text);
    font: 650 30px var(--font);
    letter-spacing: -0.03em;
    text-anchor: middle;
  }
  .gauge tspan {
    font-size: 14px;
    letter-spacing: 0;
  }
  .gauge p {
    margin: 0;
    color: var(--text-2);
    font-size: var(--size-2);
    text-align: center;
  }
  @media (forced-colors: active) {
    .bars i,
    .bars li.top i {
      background: Highlight;
    }
    .gauge path {
      stroke: CanvasText;
      stroke-width: 2;
    }
    .gauge .arc {
      stroke: Highlight;
      stroke-width: 16;
    }
    .gauge text {
      fill: CanvasText;
    }
  }
`
