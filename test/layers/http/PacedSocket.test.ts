/** Which connection of the admin server is read, and when. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type PacedSocket, Turns } from "../../../src/layers/http/PacedSocket.ts"

const nextTurn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

/** Sockets by name, of which only the order of their turns is kept. */
const make = () => {
  const served: Array<string> = []
  const socket = (name: string) => ({ onTurn: () => served.push(name) }) as unknown as PacedSocket
  return { turns: new Turns(), served, socket }
}

describe("turns of connections", () => {
  it.live("the first one that asks in a turn is served at once, the others one in each later turn, in order", () =>
    Effect.gen(function*() {
      const { served, socket, turns } = make()
      for (const name of ["a", "b", "c"]) turns.ask(socket(name))
      assert.deepStrictEqual(served, ["a"])
      // Immediates run in the order in which they were asked for: each turn, the turns' own first.
      yield* nextTurn
      assert.deepStrictEqual(served, ["a"])
      yield* nextTurn
      assert.deepStrictEqual(served, ["a", "b"])
      turns.ask(socket("d"))
      yield* nextTurn
      assert.deepStrictEqual(served, ["a", "b", "c"])
      yield* nextTurn
      assert.deepStrictEqual(served, ["a", "b", "c", "d"])
      // A turn without any, and the next one to ask is served at once again.
      yield* nextTurn
      turns.ask(socket("e"))
      assert.deepStrictEqual(served, ["a", "b", "c", "d", "e"])
    }))

  it.live("one that left has no turn", () =>
    Effect.gen(function*() {
      const { served, socket, turns } = make()
      const gone = socket("gone")
      for (const each of [socket("a"), gone, socket("b")]) turns.ask(each)
      turns.leave(gone)
      yield* nextTurn
      yield* nextTurn
      assert.deepStrictEqual(served, ["a", "b"])
    }))
})
