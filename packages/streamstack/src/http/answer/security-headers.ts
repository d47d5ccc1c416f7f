/**
 * For answers that are the server's own: data that no browser is to take for a page, show in a frame of another, or name to others. Endpoints say
 * themselves what their answers are.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
})
