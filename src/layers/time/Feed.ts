/**
 * What happens, for streams that read it: a sliding `PubSub` that is made for its first reader. Most nodes of an embedder, a test or a simulation have
 * none, and its buffer takes longer to make than the rest of a node's events. A stream gets what is published from its start on. Internal to the layers.
 */
import { Effect, PubSub, Scope, Stream } from "effect"

export interface Feed<A> {
  /** A reader that is more than `capacity` behind loses the oldest. Ends with the feed's scope. */
  readonly stream: Stream.Stream<A>
  /** Costs nothing while nothing has read. */
  readonly publish: (value: A) => void
}

export const make = <A>(capacity: number): Effect.Effect<Feed<A>, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    let hub: PubSub.PubSub<A> | undefined
    const get = Effect.suspend(() =>
      hub === undefined
        ? PubSub.sliding<A>(capacity).pipe(
          Effect.tap((made) => Scope.addFinalizer(scope, PubSub.shutdown(made))),
          Effect.map((made) => hub ??= made)
        )
        : Effect.succeed(hub)
    )
    return {
      stream: Stream.unwrap(Effect.map(get, (of) => Stream.fromPubSub(of))),
      publish: (value) => {
        if (hub === undefined || PubSub.publishUnsafe(hub, value) || PubSub.isShutdownUnsafe(hub)) return
        // Full: only the effect makes room, by the oldest value. It never waits.
        Effect.runSync(PubSub.publish(hub, value))
      }
    }
  })
