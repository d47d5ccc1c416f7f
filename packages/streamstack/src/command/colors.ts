import { styleText } from 'node:util'

const STYLES = ['bold', 'dim', 'red', 'green', 'yellow', 'cyan'] as const

/** The colours of one output; functions that change nothing where it has none. */
export type Colors = Readonly<Record<(typeof STYLES)[number], (text: string) => string>> & {
  readonly isColorSupported: boolean
}

/** Colours for an output that shows them, or none. */
export function newColors(isColorSupported: boolean): Colors {
  const paint = (style: (typeof STYLES)[number]) => (text: string) =>
    isColorSupported ? styleText(style, text, { validateStream: false }) : text
  const styles = Object.fromEntries(STYLES.map((style) => [style, paint(style)])) as Record<
    (typeof STYLES)[number],
    (text: string) => string
  >
  return { ...styles, isColorSupported }
}
