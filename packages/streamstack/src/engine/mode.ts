/** What a workspace is opened for: building it on one's own machine, or production. Nothing is allowed in `serve` for convenience. */
export type Mode = 'dev' | 'serve'
