import { newRedactor } from '../content/index.ts'
import { providerKeyNames } from '../provider/index.ts'
import type { CompiledWorkspace } from './compile-workspace.ts'

/** Stands in the place of a secret. */
export const HIDDEN = '••••••'

/** Shorter values of the environment, such as `8080`, are hidden only where they are the whole text. */
const INNER_CHARACTERS_MIN = 6

/** Keys of known services and tokens are secrets wherever they come from. */
const keys = newRedactor({ kinds: ['key'], nationalIds: [], fields: [], matchers: [], replacement: HIDDEN })

/** Takes secrets out of texts: values that are known to be secret, and keys and tokens that look like such. */
export class SecretTexts {
  readonly #whole: ReadonlySet<string>
  readonly #inner: readonly string[]

  constructor(secrets: Iterable<string>) {
    const known = [...new Set(secrets)].filter((secret) => secret !== '')
    this.#whole = new Set(known)
    // A secret that holds another one goes first.
    this.#inner = known.filter(({ length }) => length >= INNER_CHARACTERS_MIN).toSorted((a, b) => b.length - a.length)
  }

  /** Returns the text without secrets; the same text where there are none. */
  hide(text: string): string {
    return this.#whole.has(text) ? HIDDEN : keys.text(this.#withoutKnown(text))
  }

  #withoutKnown(text: string): string {
    let shown = text
    for (const secret of this.#inner) shown = shown.replaceAll(secret, HIDDEN)
    return shown
  }
}

/** Values that nothing may show: those of the environment that definitions may read, and the keys of tokens. */
export function secretValues({ env, settings }: CompiledWorkspace): readonly string[] {
  const values = [...providerKeyNames, ...settings.envNames].map((name) => env[name])
  const keys = settings.auth.jwt.map(({ secret }) => secret)
  return [...values, ...keys].filter((value) => typeof value === 'string')
}
