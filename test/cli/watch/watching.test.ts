/** `timemesh watch` follows a node through its restarts, and gives the terminal back. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Queue, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { failed, Failure } from "../../../src/cli/Failure.ts"
import type { Answer } from "../../../src/cli/watch/Model.ts"
import type { Size } from "../../../src/cli/watch/screen.ts"
import * as terminal from "../../../src/cli/watch/terminal.ts"
import * as watching from "../../../src/cli/watch/watching.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import type { Sent } from "../../../src/layers/http/EventsApi.ts"
import { answer, happened, started, up } from "./node.ts"

const everyMs = Limits.watchEveryMs

/** A node that a test starts and stops. */
const makeNode = Effect.gen(function*() {
  const state: { answer: Answer | Failure; readonly asked: Array<string | undefined> } = {
    answer: answer([up("10.0.0.2")]),
    asked: []
  }
  const streams: Array<Queue.Queue<Sent, Failure>> = []
  const node: watching.Node = {
    ask: Effect.suspend(() =>
      state.answer instanceof Failure ? Effect.fail(state.answer) : Effect.succeed(state.answer)
    ),
    events: (after) =>
      Stream.unwrap(Effect.gen(function*() {
        state.asked.push(after)
        if (state.answer instanceof Failure) return yield* state.answer
        const queue = yield* Queue.unbounded<Sent, Failure>()
        streams.push(queue)
        return Stream.fromQueue(queue)
      }))
  }
  return { node, state, streams, latest: () => streams.at(-1) }
})

const say = (queue: Queue.Queue<Sent, Failure> | undefined, ...sent: ReadonlyArray<Sent>) =>
  queue === undefined ? Effect.die("nothing reads") : Queue.offerAll(queue, sent)

/** Draws into a list. */
const makeScreen = () => {
  const size: { columns: number; rows: number } = { columns: 80, rows: 24 }
  const drawn: Array<ReadonlyArray<string>> = []
  const screen: watching.Screen = {
    size: (): Size => size,
    draw: (lines) => Effect.sync(() => void drawn.push(lines))
  }
  return { size, drawn, screen, text: () => (drawn.at(-1) ?? []).join("\n") }
}

describe("timemesh watch", () => {
  it.effect("draws what has changed: answers, events, another size of the terminal", () =>
    Effect.gen(function*() {
      const { latest, node, state } = yield* makeNode
      const { drawn, screen, size, text } = makeScreen()
      const fiber = yield* Effect.forkChild(watching.onScreen(node, screen, everyMs), { startImmediately: true })
      yield* TestClock.adjust(Limits.watchDrawMs)
      assert.match(text(), /^OK: 1 peers/)
      const first = drawn.length
      yield* TestClock.adjust(Limits.watchDrawMs)
      assert.strictEqual(drawn.length, first, "nothing has changed")
      yield* say(latest(), started(false), happened(1, "an event"))
      yield* TestClock.adjust(Limits.watchDrawMs)
      assert.match(text(), /00:00:01 {2}an event$/)
      size.columns = 40
      size.rows = 5
      yield* TestClock.adjust(Limits.watchDrawMs)
      assert.isAtMost(drawn.at(-1)?.length ?? 99, 5)
      state.answer = answer([up("10.0.0.2"), up("10.0.0.3")])
      yield* TestClock.adjust(everyMs)
      assert.match(text(), /^OK: 2 peers/)
      yield* Fiber.interrupt(fiber)
    }))

  it.effect("says that a node is away, and continues where it was when it is back", () =>
    Effect.gen(function*() {
      const { latest, node, state, streams } = yield* makeNode
      const { screen, text } = makeScreen()
      const fiber = yield* Effect.forkChild(watching.onScreen(node, screen, everyMs), { startImmediately: true })
      yield* TestClock.adjust(Limits.watchDrawMs)
      yield* say(latest(), started(false), happened(1))
      yield* TestClock.adjust(Limits.watchDrawMs)
      state.answer = failed("connection refused")
      const [open] = streams
      if (open !== undefined) yield* Queue.fail(open, failed("the events ended"))
      yield* TestClock.adjust(everyMs + Limits.watchDrawMs)
      assert.match(text(), /^NO ANSWER for \d+ s, trying again: connection refused\n/)
      assert.isUndefined(fiber.pollUnsafe(), "a node that is away ends no watch")
      state.answer = answer([], { pid: 4712, uptimeMs: 10, startedAt: 60_000 })
      yield* TestClock.adjust(everyMs + Limits.watchDrawMs)
      assert.match(text(), /^OK: 0 peers/)
      assert.match(text(), /00:01:00 {2}the node was started anew, as process 4712/)
      assert.strictEqual(state.asked.at(-1), "p-1", "it asks for what came after the last event that it has")
      yield* say(latest(), started(false), happened(2))
      yield* TestClock.adjust(Limits.watchDrawMs)
      assert.match(text(), /event 2$/)
      yield* Fiber.interrupt(fiber)
    }))

  it.effect("ends at once where the first question has no answer", () =>
    Effect.gen(function*() {
      const { node, state } = yield* makeNode
      state.answer = failed("no node is running")
      const { drawn, screen } = makeScreen()
      const exit = yield* Effect.exit(watching.onScreen(node, screen, everyMs))
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(drawn, [])
    }))

  it.effect("prints so many snapshots, an interval apart, where there is no terminal", () =>
    Effect.gen(function*() {
      const { node, state } = yield* makeNode
      const printed: Array<string> = []
      const print = (text: string) => Effect.sync(() => void printed.push(text))
      const fiber = yield* Effect.forkChild(watching.asText(node, print, everyMs, 3), { startImmediately: true })
      yield* TestClock.adjust(0)
      assert.strictEqual(printed.length, 1)
      state.answer = failed("connection refused")
      yield* TestClock.adjust(everyMs)
      assert.match(printed[1] ?? "", /^NO ANSWER for 2 s, trying again: connection refused\n/)
      yield* TestClock.adjust(everyMs)
      yield* Fiber.join(fiber)
      assert.strictEqual(printed.length, 3)
    }))

  it.effect("takes a screen of its own, hides the cursor, and gives both back", () =>
    Effect.gen(function*() {
      const written: Array<string> = []
      const output = { fd: -1, columns: 0, rows: 0, write: (text: string) => written.push(text) }
      const before = process.listenerCount("SIGTSTP")
      const scope = yield* Scope.make()
      const screen = yield* Scope.provide(terminal.open(output, false), scope)
      assert.deepStrictEqual(screen.size(), { columns: 80, rows: 24 })
      yield* screen.draw(["a"])
      yield* Scope.close(scope, Exit.interrupt())
      assert.deepStrictEqual(written, [
        "\u001b[?1049h\u001b[?25l",
        "\u001b[Ha\u001b[K\u001b[J",
        "\u001b[?25h\u001b[?1049l"
      ])
      assert.strictEqual(process.listenerCount("SIGTSTP"), before)
    }))
})
