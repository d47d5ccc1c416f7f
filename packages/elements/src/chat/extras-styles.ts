import { css } from 'lit'

/** Styles of the optional parts of a chat. */
export const extrasStyles = css`
  .fold {
    border: 1px solid var(--line);
    border-radius: var(--radius);
    color: var(--text-2);
    font-size: var(--size-2);
  }
  .fold summary {
    display: flex;
    gap: 7px;
    align-items: center;
    padding: 6px 10px;
    border-radius: var(--radius);
    cursor: pointer;
    list-style: none;
  }
  .fold summary::-webkit-details-marker {
    display: none;
  }
  .fold summary::before {
    content: '';
    inline-size: 0;
    border-block: 4px solid transparent;
    border-inline-start: 6px solid currentcolor;
    transition: transform 0.12s;
  }
  .fold[open] summary::before {
    transform: rotate(90deg);
  }
  .fold summary:hover {
    background: var(--sunken);
  }
  .fold.tool summary {
    font-weight: 550;
  }
  .fold:is(.busy, .tool) summary::after {
    content: '';
    inline-size: 7px;
    block-size: 7px;
    margin-inline-start: auto;
    border-radius: 2px;
    background: var(--ok);
  }
  .fold.failed summary::after {
    background: var(--failed);
    transform: rotate(45deg);
  }
  .fold.busy summary::after {
    border-radius: 9px;
    background: var(--running);
    animation: pulse 1.4s ease-in-out infinite;
  }
  .fold > div {
    padding: 2px 10px 9px;
  }
  .fold-text {
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  .fold pre {
    margin: 2px 0 6px;
    max-block-size: 220px;
    overflow: auto;
    color: var(--text);
    font: var(--size-1) / 1.5 var(--mono);
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  .sources ol {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 6px;
    margin: 4px 0 0;
    padding: 0;
    list-style: none;
    counter-reset: source;
  }
  .sources li {
    counter-increment: source;
    max-inline-size: 100%;
    padding: 2px 9px;
    border: 1px solid var(--line);
    border-radius: 99px;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    font-size: var(--size-1);
  }
  .sources li::before {
    content: counter(source) ' ';
    color: var(--text-3);
  }
  .sources a {
    color: var(--accent);
    text-underline-offset: 2px;
  }
  .edit {
    display: grid;
    gap: 8px;
    inline-size: 100%;
  }
  .edit .row {
    display: flex;
    gap: 8px;
    justify-content: flex-end;
  }
  nav {
    display: none;
    flex-direction: column;
    gap: 2px;
    padding: 8px;
    border-inline-end: 1px solid var(--line);
    background: var(--surface);
    overflow: hidden auto;
  }
  nav ul {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  nav li {
    display: flex;
    align-items: center;
    border-radius: var(--radius-small);
  }
  nav li[aria-current='true'] {
    background: var(--accent-weak);
  }
  nav .open {
    flex: 1;
    min-inline-size: 0;
    padding: 6px 8px;
    border: 0;
    border-radius: var(--radius-small);
    background: none;
    text-align: start;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  nav li[aria-current='true'] .open {
    font-weight: 650;
  }
  nav .fresh {
    margin-block-end: 6px;
  }
  nav li .link {
    opacity: 0;
  }
  nav li:is(:hover, :focus-within) .link,
  nav li[aria-current='true'] .link {
    opacity: 1;
  }
  .listed.frame nav {
    position: absolute;
    inset-block: 47px 0;
    inset-inline-start: 0;
    z-index: 1;
    display: flex;
    inline-size: min(280px, 86%);
    box-shadow: var(--shadow);
  }
  @container (inline-size >= 680px) {
    .frame.listed {
      grid-template: auto minmax(0, 1fr) auto / 220px minmax(0, 1fr);
    }
    .listed.frame nav {
      position: static;
      grid-row: 2 / 4;
      inline-size: auto;
      box-shadow: none;
    }
    .listed.frame :is(.stage, footer) {
      grid-column: 2;
    }
  }
`
