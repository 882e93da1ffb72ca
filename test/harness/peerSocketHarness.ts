/** Lines of bytes over a `PeerSocket`, and what tests ask of them. */

import { Deferred, Effect, Exit, Scope } from "effect"
import type { Cause } from "effect"
import type { Socket } from "effect/socket"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import { errorCode, PeerSocket } from "../../src/services/PeerSocket.ts"
import type { Accepted, DialOptions } from "../../src/services/PeerSocket.ts"

export const ip = PeerIp.fromStringUnsafe
export const at = (text: string, port: number) => PeerAddress.make(ip(text), port)

export const text = (batch: ReadonlyArray<Uint8Array | string>) =>
  batch.map((b) => (typeof b === "string" ? b : new TextDecoder().decode(b))).join("")

/** What a failed exit says: close code, system code, or the reason's tag. */
export const outcome = <A>(exit: Exit.Exit<A, Socket.SocketError>): string => {
  if (Exit.isSuccess(exit)) return "success"
  const reason: Cause.Reason<Socket.SocketError> | undefined = exit.cause.reasons[0]
  if (reason?._tag !== "Fail") return String(reason?._tag)
  const error = reason.error
  if (error.reason._tag === "SocketCloseError") return String(error.reason.code)
  if (error.reason._tag === "SocketOpenError" && error.reason.kind === "Timeout") return "SocketOpenError Timeout"
  return `${error.reason._tag} ${errorCode(error) ?? ""}`.trim()
}

/** Pulls to the end: all bytes as text, and how it ended. */
export const readAll = (pull: Socket.Reader["pull"]) =>
  Effect.gen(function*() {
    let all = ""
    while (true) {
      const exit = yield* Effect.exit(pull)
      if (Exit.isSuccess(exit)) all += text(exit.value)
      else return [all, outcome(exit)] as const
    }
  })

/** Listens at `where` with `handler`; returns the address. */
export const serve = <E, R>(
  handler: (accepted: Accepted) => Effect.Effect<unknown, E, R | Scope.Scope>,
  where = at("127.0.0.1", 0)
) =>
  Effect.gen(function*() {
    const sockets = yield* PeerSocket
    const listener = yield* sockets.listen(where)
    yield* Effect.forkScoped(listener.run((accepted) => Effect.scoped(Effect.ignore(handler(accepted)))))
    return listener.address
  })

export const dial = (to: PeerAddress.PeerAddress, options?: DialOptions) =>
  Effect.flatMap(PeerSocket, (sockets) => sockets.dial(to, options))

/** A connected pair: our dialled end, and what the acceptor got. Both last as long as the scope. */
export const pair = (options?: DialOptions, where = at("127.0.0.1", 0)) =>
  Effect.gen(function*() {
    const arrived = yield* Deferred.make<Accepted & Line>()
    const address = yield* serve(
      (accepted) =>
        Effect.gen(function*() {
          yield* Deferred.succeed(arrived, { ...accepted, ...(yield* line(accepted.socket)) })
          return yield* Effect.never
        }),
      where
    )
    const dialled = yield* dial(address, options)
    const near = { ...dialled, ...(yield* line(dialled.socket)) }
    return { near, far: yield* Deferred.await(arrived), address }
  })

/** A socket in use: `finish` half-closes, `close` ends it. */
export interface Line {
  readonly pull: Socket.Reader["pull"]
  readonly write: Socket.Writer["write"]
  readonly writeAll: Socket.Writer["writeAll"]
  readonly finish: Effect.Effect<void>
  readonly close: Effect.Effect<void>
}

export const line = Effect.fnUntraced(function*(socket: Socket.Socket) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const { pull } = yield* Scope.provide(socket.reader, scope)
  const writing = yield* Scope.fork(scope)
  const { write, writeAll } = yield* Scope.provide(socket.writer, writing)
  return {
    pull,
    write,
    writeAll,
    finish: Scope.close(writing, Exit.void),
    close: Scope.close(scope, Exit.void)
  } satisfies Line
})

/** Bytes with a pattern that shows loss, repetition and disorder. */
export const pattern = (length: number, from: number) => {
  const bytes = new Uint8Array(length)
  for (let i = 0, n = from; i < length; i++, n++) bytes[i] = n * 31 + (n >> 8)
  return bytes
}
