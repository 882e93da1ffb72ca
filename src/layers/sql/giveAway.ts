/**
 * Bytes that the database's thread takes over instead of copying them. A copy of a batch costs the main thread half a millisecond, and leaves the original
 * to the garbage collector, which runs for each 64 MiB of them.
 */

const givenAway = new WeakSet<object>()

/**
 * Marks a statement's parameter as no longer needed by its caller: where a thread runs the statement, the buffer moves there when it starts, and is empty
 * here. `bytes` must be the whole of its buffer, and a parameter of one statement that runs once.
 */
export const giveAway = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
  givenAway.add(bytes)
  return bytes
}

/** The buffers that move with these parameters. */
export const movable = (params: ReadonlyArray<unknown>): Array<ArrayBuffer> => {
  const buffers: Array<ArrayBuffer> = []
  for (const param of params) {
    if (param instanceof Uint8Array && param.buffer instanceof ArrayBuffer && givenAway.has(param)) {
      buffers.push(param.buffer)
    }
  }
  return buffers
}
