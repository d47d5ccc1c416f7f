/**
 * Purpose for which a workspace is opened: development on one's own machine, or production. `serve`
 * has no insecure defaults.
 */
export type Mode = 'dev' | 'serve'
