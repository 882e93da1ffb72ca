/** effect's `Socket` over any kind of connection end: what TCP and memory sockets have in common. */
import { Effect } from "effect"
import type { Scope } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { Socket } from "effect/socket"
import type { SynchronousReader, SynchronousWriter } from "../../services/PeerSocket.ts"

/** One end of a connection. */
export interface ConnectionEnd {
  readonly pull: Effect.Effect<NonEmptyReadonlyArray<Uint8Array>, Socket.SocketError>
  /** Writes when called; the result only waits until more may be written. */
  readonly write: (chunks: ReadonlyArray<Uint8Array | string>) => Effect.Effect<void, Socket.SocketError>
  /** See `SynchronousReader`; an end without it is pulled. */
  drainTo?(...args: Parameters<SynchronousReader["drainTo"]>): ReturnType<SynchronousReader["drainTo"]>
  /** See `SynchronousWriter`; without it, written buffers must never be reused. */
  flushed?(): boolean
  /** See `SynchronousReader`; an end with `drainTo` has it. */
  hold?(held: boolean): void
  /** FIN after everything written. */
  readonly finish: () => void
  /** Ends both directions and fails a suspended pull with 1006. Idempotent. */
  readonly close: () => void
}

/** A socket's state. Few objects, created late: an idle end must stay small. */
class Held<End extends ConnectionEnd> {
  /** The connection while it is open. */
  current: End | undefined = undefined
  /** Writes issued before the connection opened. */
  private early: Array<() => void> | undefined = undefined

  opened(end: End): void {
    this.current = end
    const { early } = this
    this.early = undefined
    early?.forEach((go) => go())
  }

  writeNow(chunks: ReadonlyArray<Uint8Array | string>): Effect.Effect<void, Socket.SocketError> {
    return this.current?.write(chunks) ?? Effect.andThen(this.connected, this.write(chunks))
  }

  write(chunks: ReadonlyArray<Uint8Array | string>): Effect.Effect<void, Socket.SocketError> {
    return Effect.suspend(() => this.writeNow(chunks))
  }

  private get connected(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const go = () => resume(Effect.void)
      const early = this.early ??= []
      early.push(go)
      return Effect.sync(() => {
        const at = early.indexOf(go)
        if (at >= 0) early.splice(at, 1)
      })
    })
  }
}

/**
 * A socket whose reader, when acquired, takes an end from `start`, waits for `ready`, and closes the end with its scope. Earlier writes wait
 * for that. `start` returns the end at once, so that the end cannot leak in between.
 */
export const socketFromEnd = <End extends ConnectionEnd>(
  start: () => End,
  ready: (end: End) => Effect.Effect<void, Socket.SocketError>
): Socket.Socket => {
  const held = new Held<End>()
  const closing = (end: End) =>
    Effect.sync(() => {
      if (held.current === end) held.current = undefined
      end.close()
    })
  const reader: Effect.Effect<Socket.Reader<Uint8Array>, Socket.SocketError, Scope.Scope> = Effect.gen(function*() {
    const end = yield* Effect.acquireRelease(Effect.sync(start), closing)
    yield* ready(end)
    held.opened(end)
    const reader = { pull: end.pull, upgrade: Socket.SocketUpgradeError.unsupported }
    const drainTo = end.drainTo?.bind(end)
    return drainTo === undefined ? reader : { ...reader, drainTo, hold: (held: boolean) => end.hold?.(held) }
  })
  const writer = Effect.suspend(() =>
    Effect.acquireRelease(
      Effect.succeed<SynchronousWriter>({
        write: (chunk) => Socket.isCloseEvent(chunk) ? Effect.sync(() => held.current?.close()) : held.write([chunk]),
        writeAll: (chunks) => held.write(chunks),
        writeNow: (chunks) => held.writeNow(chunks),
        flushed: () => held.current?.flushed?.() ?? false
      }),
      () => Effect.sync(() => held.current?.finish())
    )
  )
  return Socket.make({ reader, writer })
}
