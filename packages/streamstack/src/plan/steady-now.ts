/** Whole milliseconds since 1970, by a clock that does not jump while the process runs: what is done to the machine's clock is no time that passed. */
export function steadyNowMs(): number {
  return Math.floor(performance.timeOrigin + performance.now())
}
