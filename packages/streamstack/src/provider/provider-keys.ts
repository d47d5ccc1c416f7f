import { dialects } from './dialects/index.ts'

/** Environment variables that hold the keys of providers by custom. A workspace may read them without listing them. */
export const providerKeyNames: readonly string[] = [
  ...new Set(dialects.flatMap(({ keyName }) => (keyName === null ? [] : [keyName]))),
]

/** Stands for a key that is not set while its provider's requests go elsewhere; null: they do not. */
export function placeholderKey(name: string, rewrite: Readonly<Record<string, string>>): string | null {
  const origins = dialects.flatMap(({ keyName, baseUrl }) =>
    keyName === name && baseUrl !== null ? [new URL(baseUrl).origin] : [],
  )
  return Object.keys(rewrite).some((from) => origins.includes(new URL(from).origin)) ? 'placeholder' : null
}
