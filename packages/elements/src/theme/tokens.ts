import { css } from 'lit'

/**
 * The design tokens. A page sets `--st-accent` and so on, on the element or anywhere above it; elements read the private names, which fall back to these defaults.
 * Each pair of text and ground has a contrast of 4.5 : 1 or more in light and dark.
 */
export const tokens = css`
  :host {
    --bg: var(--st-bg, light-dark(#f7f8fa, #0d1014));
    --surface: var(--st-surface, light-dark(#ffffff, #14181e));
    --raised: var(--st-raised, light-dark(#ffffff, #1a2027));
    --sunken: var(--st-sunken, light-dark(#eff1f4, #0a0d10));
    --line: var(--st-line, light-dark(#dfe3e8, #2a323c));
    --text: var(--st-text, light-dark(#16191d, #e7eaee));
    --text-2: var(--st-text-2, light-dark(#55606e, #a5afbb));
    --text-3: var(--st-text-3, light-dark(#646f7b, #8a95a2));
    --accent: var(--st-accent, light-dark(#0f766e, #3fd0bd));
    --accent-weak: var(--st-accent-weak, light-dark(#d5f2ee, #12342f));
    --on-accent: var(--st-on-accent, light-dark(#ffffff, #04211d));
    --running: var(--st-running, light-dark(#1d5fd1, #78aaff));
    --ok: var(--st-ok, light-dark(#17753a, #5dcf85));
    --caught: var(--st-caught, light-dark(#a05400, #f0a94e));
    --failed: var(--st-failed, light-dark(#c0271f, #ff8279));
    --idle: var(--st-idle, light-dark(#646f7b, #8a95a2));
    --running-weak: var(--st-running-weak, light-dark(#e2ecfd, #152742));
    --ok-weak: var(--st-ok-weak, light-dark(#dcf3e3, #11301d));
    --caught-weak: var(--st-caught-weak, light-dark(#fdeed8, #37260e));
    --failed-weak: var(--st-failed-weak, light-dark(#fde4e2, #3c1815));
    --shadow: var(
      --st-shadow,
      0 1px 2px light-dark(rgb(16 24 40 / 6%), rgb(0 0 0 / 40%)),
      0 4px 16px light-dark(rgb(16 24 40 / 6%), rgb(0 0 0 / 35%))
    );
    --font: var(--st-font, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif);
    --mono: var(--st-mono, ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace);
    --size-1: var(--st-size-1, 11px);
    --size-2: var(--st-size-2, 12.5px);
    --size-3: var(--st-size-3, 14px);
    --size-4: var(--st-size-4, 17px);
    --size-5: var(--st-size-5, 24px);
    --radius: var(--st-radius, 7px);
    --radius-small: var(--st-radius-small, 4px);
    display: block;
    box-sizing: border-box;
    color: var(--text);
    font: var(--size-3) / 1.45 var(--font);
    -webkit-font-smoothing: antialiased;
  }
  :host([hidden]) {
    display: none;
  }
  :host([theme='light']) {
    color-scheme: light;
  }
  :host([theme='dark']) {
    color-scheme: dark;
  }
  *,
  ::before,
  ::after {
    box-sizing: border-box;
  }
  .visually-hidden {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  @media (prefers-contrast: more) {
    :host {
      --line: var(--st-line, light-dark(#5a6673, #8a95a2));
      --text-2: var(--st-text-2, light-dark(#2b333d, #d5dbe2));
      --text-3: var(--st-text-3, light-dark(#2b333d, #d5dbe2));
    }
  }
  @media (forced-colors: active) {
    :host {
      --line: CanvasText;
      --accent: Highlight;
      --on-accent: HighlightText;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    ::before,
    ::after {
      animation-duration: 0.01ms !important;
      animation-iteration-count: 1 !important;
      transition-duration: 0.01ms !important;
      scroll-behavior: auto !important;
    }
  }
`
