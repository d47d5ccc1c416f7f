import { css } from 'lit'

/** Bar, list and page, and what they become on a narrow screen. */
export const appStyles = css`
  :host {
    display: grid;
    grid-template: 48px minmax(0, 1fr) / 232px minmax(0, 1fr);
    block-size: 100vh;
    background: var(--bg);
  }
  header {
    grid-column: 1 / -1;
    display: flex;
    align-items: center;
    gap: 16px;
    padding-inline: 16px;
    background: var(--surface);
    border-block-end: 1px solid var(--line);
  }
  .brand {
    display: flex;
    gap: 9px;
    align-items: center;
    font-weight: 650;
    letter-spacing: -0.01em;
    text-decoration: none;
  }
  .find {
    flex: 0 1 420px;
    margin-inline: auto;
    display: flex;
    justify-content: space-between;
    padding: 6px 10px;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--sunken);
    color: var(--text-3);
    font-weight: 400;
  }
  nav {
    border-inline-end: 1px solid var(--line);
    background: var(--surface);
    padding: 12px 8px;
    overflow: auto;
  }
  nav h2 {
    font-size: var(--size-1);
    text-transform: uppercase;
    letter-spacing: 0.06em;
    color: var(--text-3);
    padding: 12px 8px 4px;
    font-weight: 600;
  }
  nav a {
    display: flex;
    gap: 8px;
    align-items: center;
    padding: 5px 8px;
    border-radius: var(--radius-small);
    text-decoration: none;
    font-size: var(--size-2);
  }
  nav a:hover {
    background: var(--sunken);
  }
  nav a[aria-current] {
    background: var(--accent-weak);
    font-weight: 600;
  }
  nav .verb {
    inline-size: 40px;
    flex: none;
  }
  nav .path {
    flex: 1;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    font-family: var(--mono);
  }
  main {
    min-block-size: 0;
    display: grid;
    grid-template-rows: auto minmax(0, 1fr);
    overflow: hidden;
    position: relative;
  }
  main > :last-child {
    grid-row: 2;
  }
  .head {
    padding: 16px 24px 14px;
    background: var(--surface);
    border-block-end: 1px solid var(--line);
  }
  .head h1 {
    margin: 0;
    display: flex;
    flex-wrap: wrap;
    gap: 10px;
    align-items: center;
    font: 650 16px var(--mono);
  }
  .head .verb {
    font-size: 13px;
  }
  .gate {
    max-inline-size: 420px;
    margin: 12vh auto;
    padding: 24px;
    display: grid;
    gap: 12px;
    grid-column: 1 / -1;
  }
  .menu {
    display: none;
  }
  @media (max-width: 760px) {
    :host {
      grid-template-columns: minmax(0, 1fr);
      block-size: auto;
      min-block-size: 100vh;
    }
    nav {
      display: none;
    }
    nav.open {
      display: block;
      grid-column: 1;
    }
    .find,
    header .pill,
    header > .muted {
      display: none;
    }
    .menu {
      display: inline-block;
    }
    header {
      justify-content: space-between;
    }
    main {
      overflow: visible;
      display: block;
    }
    .head {
      padding-inline: 16px;
    }
  }
`
