/** Thrown by Stop: unwinds to the end of the run, through finally blocks, past catch blocks. */
export const STOP: unique symbol = Symbol('stop')

/** Thrown into frames when the run is ended from outside (cancel, limit): the reason is on the run. */
export const END: unique symbol = Symbol('end')
