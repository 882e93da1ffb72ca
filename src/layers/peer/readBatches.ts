/** Reads a socket to its end with one effect for all batches where possible: a suspended connection then holds no generator. */
import { Effect, Latch } from "effect"
import type { Socket } from "effect/socket"
import { isSynchronousReader } from "../../services/PeerSocket.ts"

/** Calls `onHold` before the first batch, with a function that pauses (`true`) and resumes reading. Ends when the socket ends. */
export const readBatches = (
  reader: Socket.Reader,
  received: (batch: ReadonlyArray<Uint8Array | string>) => void,
  onHold: (hold: (held: boolean) => void) => void
): Effect.Effect<void, Socket.SocketError> => {
  if (isSynchronousReader(reader)) {
    onHold(reader.hold)
    return reader.drainTo(received)
  }
  const readable = Latch.makeUnsafe(true)
  onHold((held) => held ? readable.closeUnsafe() : readable.openUnsafe())
  return Effect.forever(Effect.andThen(readable.await, Effect.map(reader.pull, received)), { disableYield: true })
}
