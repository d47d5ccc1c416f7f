/**
 * Gives `act` some seconds: the life of a token that must still be valid when it arrives, or a limit that must not be
 * reached. Where `act` rejects, they were too few, and it gets twice as many: a busy machine makes a test late, not wrong.
 * Beyond `secondsMax` a failure has another cause.
 */
export async function withEnoughTime<T>(
  act: (seconds: number) => Promise<T>,
  firstSeconds = 1,
  secondsMax = 16,
): Promise<T> {
  for (let seconds = firstSeconds; ; seconds *= 2) {
    try {
      return await act(seconds)
    } catch (error) {
      if (seconds >= secondsMax) throw error
    }
  }
}
