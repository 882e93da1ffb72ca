import { assert, describe, it } from "@effect/vitest"
import type { Fault } from "../../../src/simulation/plan/Fault.ts"
import { cut, jump, kill, stall, Story, timed } from "../../harness/pairStories.ts"

const refuse: Fault = { ...timed, id: 5, kind: "refuse", node: 0 }

describe("PairWatch: recovery", () => {
  it("is told once both ends agree again, counted from the end of the last fault, with the faults that waited", () => {
    const story = Story.settled().begin(cut).down(0, 1, 1).down(1, 0, 1).at(700_000).end(cut)
    story.recoveries.length = 0
    story.at(700_500).up(0, 1, 4)
    assert.deepStrictEqual(story.recoveries, [])
    story.at(701_500).up(1, 0, 4)
    assert.deepStrictEqual(story.recoveries, [["01", 1_500, [1]]])
  })

  it("a pair that stayed connected waits for nothing", () => {
    const story = Story.settled().begin(cut).end(cut)
    assert.strictEqual(story.watch.of(0, 1)?.waiting.size, 0)
  })

  it("faults one over the other: the pair waits for all of them", () => {
    const story = Story.settled().begin(cut).begin(kill).gone(0).at(700_000).end(kill).at(800_000).end(cut)
    story.recoveries.length = 0
    story.at(800_100).up(1, 0, 9).up(0, 1, 9)
    // The other end's old connection is still up there.
    assert.deepStrictEqual(story.recoveries, [])
    story.down(1, 0, 1)
    assert.deepStrictEqual(story.recoveries, [["01", 100, [2, 1]]])
  })

  it("connected while something still may keep it apart: nothing waits for it, and no time is reckoned", () => {
    const story = Story.settled().begin(cut).begin(refuse).down(0, 1, 1).down(1, 0, 1).end(cut)
    story.recoveries.length = 0
    story.at(700_000).join(0, 1, 9)
    assert.deepStrictEqual(story.recoveries, [["01", 0, [1]]])
    story.end(refuse).begin(kill).gone(0).end(kill).at(800_000).down(1, 0, 9).join(0, 1, 10)
    assert.deepStrictEqual(story.recoveries.at(-1), ["01", 100_000, [2]])
  })
})

describe("PairWatch: views", () => {
  it("a pair is healthy once it has been connected and undisturbed for so long", () => {
    const story = new Story()
    const healthy = (forMs: number) => {
      const pair = story.watch.of(1, 0)
      assert(pair !== undefined)
      return story.watch.healthy(pair, forMs)
    }
    assert.isFalse(healthy(0))
    story.at(1_000).join(0, 1, 1)
    assert.isTrue(healthy(0))
    story.at(1_099)
    assert.isFalse(healthy(100))
    story.at(1_100)
    assert.isTrue(healthy(100))
    story.begin(stall)
    assert.isFalse(healthy(0))
    story.at(2_000).end(stall)
    assert.isFalse(healthy(100))
    story.at(2_100).begin(jump)
    assert.isTrue(healthy(100))
    story.down(0, 1, 1)
    assert.isFalse(healthy(0))
  })

  it("whom a node is connected with, by its own end", () => {
    const story = new Story().up(1, 0, 1).up(1, 2, 2).up(2, 1, 2)
    const connected = () => [0, 1, 2].map((node) => story.watch.connected(node).map(({ node }) => node))
    assert.deepStrictEqual(connected(), [[], [0, 2], [1]])
    story.gone(1)
    assert.deepStrictEqual(connected(), [[], [], [1]])
  })

  it("a node outside the simulation is no peer of any", () => {
    const story = new Story().up(0, 77, 1).down(0, 77, 1)
    assert.deepStrictEqual(story.violations, [])
    assert.isUndefined(story.watch.of(0, 77))
    assert.strictEqual(story.watch.all.length, 3)
  })
})
