import { css } from 'lit'

export const chatStyles = css`
  :host {
    container-type: inline-size;
    display: grid;
    grid-template: minmax(0, 1fr) / minmax(0, 1fr);
    block-size: 640px;
    max-block-size: 100%;
    border: 1px solid var(--line);
    border-radius: 12px;
    background: var(--surface);
    box-shadow: var(--shadow);
    overflow: hidden;
  }
  .frame {
    position: relative;
    display: grid;
    grid-template: auto minmax(0, 1fr) auto / minmax(0, 1fr);
    min-block-size: 0;
  }
  header .btn {
    min-block-size: 30px;
    padding-block: 4px;
  }
  header {
    grid-column: 1 / -1;
    display: flex;
    gap: 8px;
    justify-content: space-between;
    align-items: center;
    min-block-size: 46px;
    padding: 6px 16px;
    border-block-end: 1px solid var(--line);
  }
  h2 {
    flex: 1;
    margin: 0;
    min-inline-size: 0;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    font-size: var(--size-3);
    font-weight: 600;
  }
  .stage {
    position: relative;
    display: grid;
    min-block-size: 0;
  }
  .list {
    display: flex;
    flex-direction: column;
    gap: 6px;
    box-sizing: border-box;
    min-block-size: 100%;
    padding: 16px;
  }
  .messages {
    overflow: hidden auto;
    overscroll-behavior: contain;
    overflow-anchor: none;
    scrollbar-width: thin;
  }
  .messages:focus-visible {
    outline-offset: -2px;
  }
  article {
    display: flex;
    flex-direction: column;
    align-items: flex-start;
    gap: 2px;
  }
  article.user {
    align-items: flex-end;
  }
  .bubble {
    max-inline-size: 82%;
    padding: 8px 13px;
    border-radius: 14px;
    border-end-end-radius: 4px;
    background: var(--accent);
    color: var(--on-accent);
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  .parts {
    inline-size: 100%;
    max-inline-size: 68ch;
    min-inline-size: 0;
  }
  .parts > * {
    margin: 0 0 8px;
  }
  .parts > :last-child {
    margin-block-end: 0;
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: 2px;
    margin-inline: -6px;
    min-block-size: 22px;
    opacity: 0;
    transition: opacity 0.12s;
  }
  .user .actions {
    margin-block-end: -8px;
  }
  article:hover .actions,
  article:focus-within .actions,
  article:last-child .actions {
    opacity: 1;
  }
  @media (hover: none) {
    .actions {
      opacity: 1;
    }
  }
  .note {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 8px;
    align-items: center;
    margin-block-start: 4px;
    color: var(--text-2);
    font-size: var(--size-2);
  }
  .note.failed {
    padding: 7px 10px;
    border-radius: var(--radius);
    background: var(--failed-weak);
    color: var(--failed);
  }
  .note.failed .btn {
    min-block-size: 28px;
    padding: 3px 10px;
  }
  .typing {
    display: inline-flex;
    gap: 8px;
    align-items: center;
    min-block-size: 21px;
    color: var(--text-3);
    font-size: var(--size-2);
  }
  .typing span {
    display: inline-flex;
    gap: 4px;
  }
  .typing i {
    inline-size: 6px;
    block-size: 6px;
    border-radius: 6px;
    background: var(--text-3);
    animation: typing 1.2s ease-in-out infinite;
  }
  .typing i:nth-child(2) {
    animation-delay: 0.15s;
  }
  .typing i:nth-child(3) {
    animation-delay: 0.3s;
  }
  @keyframes typing {
    0%,
    60%,
    100% {
      opacity: 0.3;
    }
    30% {
      opacity: 1;
      transform: translateY(-2px);
    }
  }
  .empty {
    display: grid;
    gap: 14px;
    flex: 1;
    place-content: center;
    justify-items: center;
    color: var(--text-2);
    text-align: center;
  }
  .suggestions {
    display: flex;
    flex-wrap: wrap;
    gap: 6px;
    justify-content: center;
  }
  .suggestions .btn {
    border-radius: 99px;
    font-weight: 500;
  }
  .new {
    inset-block-end: 10px;
    min-block-size: 27px;
  }
  footer {
    display: grid;
    gap: 8px;
    padding: 12px;
    border-block-start: 1px solid var(--line);
  }
  .line {
    display: flex;
    gap: 12px;
    justify-content: space-between;
    min-block-size: 16px;
  }
  .line span {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .line span:first-child {
    flex: none;
    max-inline-size: 100%;
  }
  .bar.idle {
    display: none;
  }
  form {
    display: flex;
    gap: 8px;
    align-items: flex-end;
  }
  textarea {
    flex: 1;
    min-inline-size: 0;
    min-block-size: 40px;
    max-block-size: 180px;
    padding: 9px;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--surface);
    color: var(--text);
    font: var(--size-3) / 1.45 var(--font);
    resize: none;
    field-sizing: content;
  }
  textarea::placeholder {
    color: var(--text-3);
    opacity: 1;
  }
  textarea:focus-visible {
    border-color: var(--accent);
    outline-offset: -1px;
    outline-width: 1px;
  }
  form > .btn {
    min-block-size: 40px;
    min-inline-size: 60px;
  }
  .chips {
    display: flex;
    flex-wrap: wrap;
    gap: 6px;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .chip {
    display: inline-flex;
    gap: 6px;
    align-items: center;
    max-inline-size: 220px;
    padding: 2px 4px 2px 9px;
    border: 1px solid var(--line);
    border-radius: 99px;
    font-size: var(--size-1);
  }
  .chip > span {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .user .chips {
    justify-content: flex-end;
    margin-block-start: 2px;
  }
  .user .chip {
    padding-inline-end: 9px;
  }
  @media (forced-colors: active) {
    .bubble,
    .note.failed {
      border: 1px solid CanvasText;
    }
  }
`
