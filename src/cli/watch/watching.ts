/** Follows a node and draws it, for `timemesh watch`: what asks and what draws are given, so that tests need no node and no terminal. */
import { Effect, Schedule, type Scope, Stream } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { Sent } from "../../layers/http/EventsApi.ts"
import { monotonicMs } from "../../layers/time/monotonicMs.ts"
import type { Failure } from "../Failure.ts"
import * as Model from "./Model.ts"
import * as screen from "./screen.ts"

/** The node that is watched; it may stop and start. */
export interface Node {
  readonly ask: Effect.Effect<Model.Answer, Failure>
  /** Events after that one; without one, some of the latest first. Ends when the node does. */
  readonly events: (after: string | undefined) => Stream.Stream<Sent, Failure>
}

/** Draws lines from the top of a terminal. */
export interface Screen {
  readonly size: () => screen.Size
  readonly draw: (lines: ReadonlyArray<string>) => Effect.Effect<void>
}

interface Watch {
  readonly node: Node
  model: Model.Model
}

const ask = (watch: Watch): Effect.Effect<void, Failure> =>
  Effect.flatMap(watch.node.ask, (answer) =>
    Effect.map(monotonicMs, (now) => {
      watch.model = Model.answered(watch.model, answer, now)
    }))

/** The first question must have an answer: an address that is mistyped is not watched for ever. */
const begin = (node: Node): Effect.Effect<Watch, Failure> => {
  const watch: Watch = { node, model: Model.start }
  return Effect.as(ask(watch), watch)
}

/** A later one may have none: the node restarts, or is away. */
const askAgain = (watch: Watch): Effect.Effect<void> =>
  Effect.catch(ask(watch), ({ text }) =>
    Effect.sync(() => {
      watch.model = Model.failed(watch.model, text)
    }))

/** A stream that ends, or cannot be had, is asked for again: `askAgain` says what is wrong with the node. */
const listen = (watch: Watch): Effect.Effect<void> =>
  Effect.suspend(() =>
    Stream.runForEach(watch.node.events(watch.model.lastEventId), (sent) =>
      Effect.sync(() => {
        watch.model = Model.heard(watch.model, sent)
      }))
  ).pipe(Effect.ignore, Effect.repeat(Schedule.spaced(Limits.watchAgainMs)), Effect.asVoid)

/** Asks, and hears events, for as long as the scope. */
const follow = (watch: Watch, everyMs: number): Effect.Effect<void, never, Scope.Scope> =>
  Effect.all([
    Effect.forkScoped(listen(watch)),
    Stream.tick(everyMs).pipe(
      Stream.drop(1),
      Stream.runForEach(() => askAgain(watch)),
      Effect.forkScoped
    )
  ], { discard: true })

/** Redraws what has changed, and all once a second since ages grow; at once where the terminal has another size. Until interrupted. */
export const onScreen = (node: Node, { draw, size }: Screen, everyMs: number): Effect.Effect<void, Failure> =>
  Effect.scoped(Effect.gen(function*() {
    const watch = yield* begin(node)
    yield* follow(watch, everyMs)
    let last = ""
    yield* Stream.tick(Limits.watchDrawMs).pipe(Stream.runForEach(() =>
      Effect.gen(function*() {
        const lines = screen.render(watch.model, size(), yield* monotonicMs)
        const text = lines.join("\n")
        if (text === last) return
        last = text
        yield* draw(lines)
      })
    ))
  }))

/** Prints a snapshot at each question, `count` of them or until interrupted. */
export const asText = (
  node: Node,
  print: (text: string) => Effect.Effect<void>,
  everyMs: number,
  count: number | undefined
): Effect.Effect<void, Failure> =>
  Effect.scoped(Effect.gen(function*() {
    const watch = yield* begin(node)
    yield* Effect.forkScoped(listen(watch))
    let seen: ReadonlyArray<Model.Line> = []
    yield* Stream.tick(everyMs).pipe(
      Stream.take(count ?? Number.POSITIVE_INFINITY),
      Stream.mapEffect((_, i) =>
        Effect.gen(function*() {
          if (i > 0) yield* askAgain(watch)
          const { model } = watch
          yield* print(screen.snapshot(model, seen, yield* monotonicMs))
          seen = model.events
        })
      ),
      Stream.runDrain
    )
  }))
