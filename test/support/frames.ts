/** Server-sent events without names. */
export function events(...frames: readonly unknown[]): string {
  return frames.map((frame) => `data: ${typeof frame === 'string' ? frame : JSON.stringify(frame)}\n\n`).join('')
}

/** Server-sent events that are named by their type. */
export function namedEvents(...frames: readonly { readonly type: string; readonly [key: string]: unknown }[]): string {
  return frames.map((frame) => `event: ${frame.type}\ndata: ${JSON.stringify(frame)}\n\n`).join('')
}

export function lines(...frames: readonly unknown[]): string {
  return frames.map((frame) => `${JSON.stringify(frame)}\n`).join('')
}
