import { css } from 'lit'

/** Styles of Markdown in a chat and in a text. */
export const markdownStyles = css`
  .md {
    overflow-wrap: anywhere;
  }
  .md > * {
    margin: 0 0 8px;
  }
  .md > :last-child {
    margin-block-end: 0;
  }
  .md :is(h3, h4, h5, h6) {
    margin-block: 14px 6px;
    font-weight: 650;
    line-height: 1.3;
    letter-spacing: -0.01em;
  }
  .md > :first-child {
    margin-block-start: 0;
  }
  .md h3 {
    font-size: var(--size-4);
  }
  .md h4 {
    font-size: 15.5px;
  }
  .md :is(h5, h6) {
    font-size: var(--size-3);
  }
  .md :is(ul, ol) {
    padding-inline-start: 22px;
  }
  .md li {
    margin-block: 3px;
  }
  .md li > p {
    margin: 0;
  }
  .md li::marker {
    color: var(--text-3);
  }
  .md blockquote {
    padding-inline-start: 12px;
    border-inline-start: 3px solid var(--line);
    color: var(--text-2);
  }
  .md hr {
    border: 0;
    border-block-start: 1px solid var(--line);
    margin-block: 14px;
  }
  .md a {
    color: var(--accent);
    text-underline-offset: 2px;
  }
  .md code {
    font: var(--size-2) / 1.45 var(--mono);
  }
  .md :not(pre) > code {
    padding: 1px 5px;
    border-radius: var(--radius-small);
    background: var(--sunken);
  }
  .md .code {
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--sunken);
    overflow: hidden;
  }
  .md .code-head {
    display: flex;
    justify-content: space-between;
    align-items: center;
    min-block-size: 28px;
    padding-inline: 10px 4px;
    color: var(--text-3);
    font: var(--size-1) var(--mono);
  }
  .md .code-head .link:hover {
    background: var(--surface);
  }
  .md pre {
    margin: 0;
    padding: 0 10px 8px;
    overflow-x: auto;
    white-space: pre;
    tab-size: 2;
  }
  .md pre:focus-visible {
    outline-offset: -2px;
  }
  .md .scroll {
    overflow-x: auto;
  }
  .md table {
    border-collapse: collapse;
    font-size: var(--size-2);
  }
  .md :is(th, td) {
    padding: 5px 10px;
    border-block-end: 1px solid var(--line);
    text-align: start;
    overflow-wrap: normal;
  }
  .md th {
    color: var(--text-3);
    font-weight: 550;
  }
  .md .check::before {
    content: '☐ ';
  }
  .md .check.checked::before {
    content: '☑ ';
  }
  .md .plain {
    white-space: pre-wrap;
  }
  .writing > .md:last-child > :last-child:not(.code, .scroll, ul, ol, hr)::after,
  .writing > .md:last-child > :is(ul, ol):last-child > li:last-child::after,
  .writing > .md:last-child > .code:last-child code::after,
  .writing > .md:empty::after,
  .raw.writing::after {
    content: '';
    display: inline-block;
    inline-size: 8px;
    block-size: 1.1em;
    margin-inline-start: 3px;
    border-radius: 2px;
    background: var(--accent);
    vertical-align: -3px;
    animation: caret 1.1s steps(2, jump-none) infinite;
  }
  @keyframes caret {
    from {
      opacity: 1;
    }
    to {
      opacity: 0.25;
    }
  }
`
