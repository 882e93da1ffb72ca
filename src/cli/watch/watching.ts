/** Follows a node and draws it, for `timemesh watch`. Querying and drawing are passed in, so that tests need neither node nor terminal. */
import { Effect, Schedule, type Scope, Stream } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { Sent } from "../../layers/http/EventsApi.ts"
import { monotonicMs } from "../../layers/time/monotonicMs.ts"
import type { Failure } from "../Failure.ts"
import * as Model from "./Model.ts"
import * as screen from "./screen.ts"

/** The watched node, which may stop and start. */
export interface Node {
  readonly ask: Effect.Effect<Model.Answer, Failure>
  /** Events after that id; without one, first some of the latest. Ends when the node stops. */
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

/** The first query must succeed: a mistyped address is not watched for ever. */
const begin = (node: Node): Effect.Effect<Watch, Failure> => {
  const watch: Watch = { node, model: Model.start }
  return Effect.as(ask(watch), watch)
}

/** A later query may fail: the node restarts, or is away. */
const askAgain = (watch: Watch): Effect.Effect<void> =>
  Effect.catch(ask(watch), ({ message }) =>
    Effect.sync(() => {
      watch.model = Model.failed(watch.model, message)
    }))

/** Requests the stream again if it ends or fails: `askAgain` reports what is wrong with the node. */
const listen = (watch: Watch): Effect.Effect<void> =>
  Effect.suspend(() =>
    Stream.runForEach(watch.node.events(watch.model.lastEventId), (sent) =>
      Effect.sync(() => {
        watch.model = Model.heard(watch.model, sent)
      }))
  ).pipe(Effect.ignore, Effect.repeat(Schedule.spaced(Limits.watchAgainMs)), Effect.asVoid)

/** Queries the node and reads events until the scope closes. */
const follow = (watch: Watch, everyMs: number): Effect.Effect<void, never, Scope.Scope> =>
  Effect.all([
    Effect.forkScoped(listen(watch)),
    Stream.tick(everyMs).pipe(
      Stream.drop(1),
      Stream.runForEach(() => askAgain(watch)),
      Effect.forkScoped
    )
  ], { discard: true })

/** Redraws what changed, everything once a second (ages grow), and at once when the terminal is resized. Until interrupted. */
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

/** Prints a snapshot per query, at most `width` wide if that is given, `count` times or until interrupted. */
export const asText = (
  node: Node,
  print: (text: string) => Effect.Effect<void>,
  everyMs: number,
  count: number | undefined,
  width?: number
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
          yield* print(screen.snapshot(model, seen, yield* monotonicMs, width))
          seen = model.events
        })
      ),
      Stream.runDrain
    )
  }))
