const THEME_KEY = 'streamstack-console-theme'

/** Shows the page light or dark, as the user chose; else as the browser is set. */
export function applyTheme(): void {
  document.documentElement.style.colorScheme = localStorage.getItem(THEME_KEY) ?? 'light dark'
}

/** Turns from light to dark or back, and remembers it. */
export function turnTheme(): void {
  const chosen = localStorage.getItem(THEME_KEY)
  const isDark = chosen === null ? matchMedia('(prefers-color-scheme: dark)').matches : chosen === 'dark'
  localStorage.setItem(THEME_KEY, isDark ? 'light' : 'dark')
  applyTheme()
}
