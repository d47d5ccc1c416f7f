type Inputs = Readonly<Record<string, unknown>>

const SECRET_WORD = /passw|passphrase|secret|credential|(?:^|[_-])(?:token|api[_-]?key|otp|pin)$/i
const CAMEL_CASE_END = /[a-z](?:Token|ApiKey|AccessKey|PrivateKey)$/

/** Whether an input holds a secret, by its name: the page hides what is typed, and no file holds it. */
export function isSecretInput(name: string): boolean {
  return SECRET_WORD.test(name) || CAMEL_CASE_END.test(name)
}

/** Inputs that may be shown and kept in files. */
export function withoutSecrets(inputs: Inputs | null): Inputs | null {
  return inputs === null ? null : Object.fromEntries(Object.entries(inputs).filter(([name]) => !isSecretInput(name)))
}
