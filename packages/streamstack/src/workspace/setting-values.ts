/**
 * Returns checked settings by their keys in the file, as JSON text: `server.cors.origins` → `["https://app.example"]`. Lists count as one value.
 * It holds secrets, and is for comparisons only. `auth.keys` is left out.
 */
export function settingValues(checked: object): Readonly<Record<string, string>> {
  const values: [string, string][] = []
  const collect = (value: unknown, path: string): void => {
    if (path === 'auth.keys' || value === undefined) return
    if (typeof value !== 'object' || value === null || Array.isArray(value)) values.push([path, JSON.stringify(value)])
    else for (const [key, inner] of Object.entries(value)) collect(inner, path === '' ? key : `${path}.${key}`)
  }
  collect(checked, '')
  return Object.fromEntries(values)
}
