/** How both socket layers treat accepted connections: hold them until there is a handler, then run one fiber for each. */
import { Effect, Exit, Fiber, Scope } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { Accepted, Anteroom, Door, Entry, FailedArrival } from "../../services/PeerSocket.ts"

/** Hands connections of type `C` to their handler. */
export class Acceptor<C extends Accepted> {
  private waiting: Array<C> = []
  private handle: ((connection: C) => void) | undefined
  private door: Door | undefined
  private readonly discard: (connection: C) => void

  /** `discard` closes a connection that will get no handler. */
  constructor(discard: (connection: C) => void) {
    this.discard = discard
  }

  /** A connection arrived. Beyond `Limits.backlog` unhandled connections, the newest are discarded. */
  offer(connection: C): void {
    if (this.handle !== undefined) this.handle(connection)
    else if (this.waiting.length < Limits.backlog) this.waiting.push(connection)
    else this.discard(connection)
  }

  /** Whether and how a connection from that address enters. Ask once for each, before anything else is done about it. */
  admits(from: PeerIp): Entry {
    return this.door === undefined ? "stranger" : this.door.admits(from)
  }

  /** An admitted connection ended before it was offered. */
  failed(from: PeerAddress, failed: FailedArrival): void {
    this.door?.failed(from, failed)
  }

  /** Closes connections that have no handler. */
  close(): void {
    for (const connection of this.waiting.splice(0)) this.discard(connection)
  }

  /** Implements `Listener.run`; `discard` is called on each connection whose handler has ended. */
  run<E, R>(
    handler: (connection: C) => Effect.Effect<unknown, E, R>,
    door?: Door,
    anteroom?: Anteroom
  ): Effect.Effect<never, never, R> {
    return Effect.flatMap(Effect.context<R>(), (context) =>
      Effect.acquireUseRelease(
        Scope.make(),
        (scope) =>
          Effect.callback<never>(() => {
            const fork = Effect.runForkWith(context)
            /** Connections in the anteroom. */
            const apart = new Set<C>()
            const previous = this.handle
            const previousDoor = this.door
            const program = (connection: C) =>
              Effect.suspend(() => handler(connection)).pipe(
                Effect.ignoreCause({ log: "Unhandled", message: "connection handler failed" }),
                Effect.ensuring(Effect.sync(() => this.discard(connection)))
              )
            const start = (fiber: Effect.Effect<void, never, R>) => void Fiber.runIn(fork(fiber), scope)
            const handle = (connection: C) => {
              const enter = () => {
                // Yields: the bytes may arrive in the network's own turn. A connection that ended meanwhile gets no handler.
                if (apart.delete(connection)) start(Effect.andThen(Effect.yieldNow, program(connection)))
              }
              const leave = () => {
                if (apart.delete(connection)) this.discard(connection)
              }
              apart.add(connection)
              if (anteroom?.(connection, enter, leave) === true) return
              apart.delete(connection)
              start(program(connection))
            }
            this.handle = handle
            this.door = door
            for (const connection of this.waiting.splice(0)) handle(connection)
            return Effect.sync(() => {
              for (const connection of apart) this.discard(connection)
              apart.clear()
              if (this.handle !== handle) return
              this.handle = previous
              this.door = previousDoor
            })
          }),
        (scope) => Scope.close(scope, Exit.void)
      ))
  }
}
