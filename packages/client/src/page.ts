/** What a browser offers beyond what every runtime does. */
interface Page {
  readonly addEventListener?: (type: string, listener: () => void, options: { signal: AbortSignal }) => void
  readonly navigator?: { readonly onLine?: boolean }
  readonly document?: { readonly hidden: boolean }
  readonly location?: { readonly href: string }
}

/** The page that this runs in; outside of browsers nothing of it is there. */
export const page = globalThis as Page
