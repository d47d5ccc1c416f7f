import { css } from 'lit'

/** Buttons, pills, fields and focus: the parts that several elements show. */
export const controls = css`
  button {
    font: 550 var(--size-2) / 1.3 var(--font);
    color: var(--text);
    cursor: pointer;
  }
  button:disabled {
    cursor: default;
    opacity: 0.55;
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }
  .btn {
    padding: 7px 12px;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--raised);
    min-block-size: 34px;
  }
  .btn:hover:not(:disabled) {
    background: var(--sunken);
  }
  .btn.go {
    border-color: transparent;
    background: var(--accent);
    color: var(--on-accent);
    font-weight: 650;
  }
  .btn.go:hover:not(:disabled) {
    background: color-mix(in oklab, var(--accent) 90%, var(--text));
  }
  .link {
    padding: 3px 6px;
    margin: 0;
    border: 0;
    border-radius: var(--radius-small);
    background: none;
    color: var(--text-2);
    font-size: var(--size-1);
  }
  .link:hover {
    background: var(--sunken);
    color: var(--text);
  }
  /* The button that scrolls to new content out of view; each element places it. */
  .new {
    position: absolute;
    inset-inline: 0;
    inline-size: fit-content;
    margin-inline: auto;
    padding: 3px 13px;
    border: 1px solid var(--line);
    border-radius: 99px;
    background: var(--raised);
    box-shadow: var(--shadow);
    font-weight: 600;
  }
  .pill {
    display: inline-flex;
    gap: 6px;
    align-items: center;
    padding: 2px 9px;
    border-radius: 99px;
    background: var(--sunken);
    color: var(--text-2);
    font-size: var(--size-1);
    font-weight: 600;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .pill::before {
    content: '';
    flex: none;
    inline-size: 7px;
    block-size: 7px;
    border-radius: 9px;
    background: currentcolor;
  }
  .pill.plain::before {
    display: none;
  }
  .pill.running {
    color: var(--running);
    background: var(--running-weak);
  }
  .pill.ok {
    color: var(--ok);
    background: var(--ok-weak);
  }
  .pill.ok::before {
    border-radius: 2px;
  }
  .pill.caught {
    color: var(--caught);
    background: var(--caught-weak);
  }
  .pill.caught::before {
    border-radius: 0;
    clip-path: polygon(50% 0, 100% 100%, 0 100%);
  }
  .pill.failed {
    color: var(--failed);
    background: var(--failed-weak);
  }
  .pill.failed::before {
    border-radius: 0;
    transform: rotate(45deg) scale(0.9);
  }
  .pill.pulse::before {
    animation: pulse 1.4s ease-in-out infinite;
  }
  @keyframes pulse {
    50% {
      opacity: 0.35;
    }
  }
  .muted {
    color: var(--text-2);
  }
  .tiny {
    font-size: var(--size-1);
    color: var(--text-3);
    font-variant-numeric: tabular-nums;
  }
  .bar {
    block-size: 4px;
    border-radius: 4px;
    background: var(--sunken);
    overflow: hidden;
  }
  .bar i {
    display: block;
    block-size: 100%;
    inline-size: var(--done, 0%);
    border-radius: inherit;
    background: var(--accent);
    transition: inline-size 0.2s ease-out;
  }
  .bar.indeterminate i {
    inline-size: 38%;
    animation: slide 1.4s ease-in-out infinite alternate;
  }
  .bar.failed i {
    background: var(--failed);
  }
  @keyframes slide {
    from {
      margin-inline-start: 0;
    }
    to {
      margin-inline-start: 62%;
    }
  }
  @media (forced-colors: active) {
    .bar {
      border: 1px solid CanvasText;
    }
    .pill,
    .btn {
      border: 1px solid currentcolor;
    }
    .btn.go,
    .pill::before {
      forced-color-adjust: none;
    }
    .pill::before {
      background: CanvasText;
    }
    .bar i {
      background: Highlight;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    .bar.indeterminate i {
      inline-size: 100%;
      opacity: 0.5;
    }
  }
`
