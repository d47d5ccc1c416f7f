/**
 * Calls `next` with a value at once, or after a promise: a value that is available must not cost a
 * promise.
 */
export function after<T, U>(value: T | Promise<T>, next: (value: T) => U | Promise<U>): U | Promise<U> {
  return value instanceof Promise ? later(value, next) : next(value)
}

async function later<T, U>(value: Promise<T>, next: (value: T) => U | Promise<U>): Promise<U> {
  return next(await value)
}
