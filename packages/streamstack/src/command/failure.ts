/** Ends a command with exit code 1. The message is for the person at the terminal: what is wrong, and the cure. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
}
