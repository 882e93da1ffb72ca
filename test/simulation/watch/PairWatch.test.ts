/** What is demanded of pairs: every invariant speaks when it should, and is silent where a fault excuses. */
import { assert, describe, it } from "@effect/vitest"
import type { Fault } from "../../../src/simulation/plan/Fault.ts"
import * as SimulationLimits from "../../../src/simulation/plan/Limits.ts"
import { apart, boundMs, cut, jump, kill, settledMs, stall, Story, timed } from "../../harness/pairStories.ts"

const vanish: Fault = { ...timed, id: 6, kind: "vanish", node: 0 }

const twin: Fault = { ...timed, id: 7, kind: "twin", node: 0 }

const readdress: Fault = { id: 8, kind: "readdress", node: 0, atMs: settledMs, endMs: 2 * settledMs }

const reboots = [[settledMs, settledMs + 500], [settledMs + 9_000, settledMs + 9_500]] as const

const loop: Fault = {
  id: 9,
  kind: "crash-loop",
  node: 0,
  atMs: settledMs,
  endMs: settledMs + 9_500,
  reboots: reboots.map(([downMs, upMs]) => ({ downMs, upMs }))
}

const clog: Fault = { ...timed, id: 10, kind: "clog", a: 0, b: 1, latencyMs: 20_000 }

const duplicate = "one connection up per peer"

const unheard = "a Down follows an Up"

const unfaulted = "no Down without a fault"

/** The last moment at which a pair that came apart at `settledMs` may be so. */
const parted = settledMs + boundMs

/** What is told, and the invariants that are violated by it, in order. */
const stories: ReadonlyArray<readonly [name: string, story: () => Story, violated: ReadonlyArray<string>]> = [
  ["one Up at each end", () => Story.settled(), []],
  ["a second Up at one end", () => Story.settled().up(0, 1, 9), [duplicate]],
  ["a second Up with the same peer under its other address", () => Story.settled().up(0, 1, 9, "s9", 1), []],
  ["a third, under that one", () => Story.settled().up(0, 1, 9, "s9", 1).up(0, 1, 10, "s10", 1), [duplicate]],
  ["a second Up, although a fault is under way", () => Story.settled().begin(kill).up(0, 1, 9), [duplicate]],
  ["Down, then Up", () => Story.settled().begin(cut).down(0, 1, 1).up(0, 1, 9), []],
  ["after the process has gone, its next one's Up", () => Story.settled().gone(0).up(0, 1, 9), []],

  ["a Down nobody knows", () => new Story().down(0, 1, 7), [unheard]],
  ["the Down of another connection", () => Story.settled().begin(cut).down(0, 1, 7), [unheard]],
  ["Down twice", () => Story.settled().begin(cut).down(0, 1, 1).down(0, 1, 1), [unheard]],
  ["Down at each end", () => Story.settled().begin(cut).down(0, 1, 1).down(1, 0, 1), []],

  ["a Down of a healthy pair", () => Story.settled().down(0, 1, 1), [unfaulted]],
  ["and at its other end", () => Story.settled().down(0, 1, 1).down(1, 0, 1), [unfaulted, unfaulted]],
  ["at the higher node", () => Story.settled().down(2, 1, 3), [unfaulted]],
  ["a Down while a fault breaks it", () => Story.settled().begin(cut).down(0, 1, 1), []],
  ["while a fault breaks another pair", () => Story.settled().begin(cut).down(0, 2, 2), [unfaulted]],
  ["while a fault only keeps apart", () => Story.settled().begin(stall).down(0, 1, 1), [unfaulted]],
  ["while a fault excuses nothing", () => Story.settled().begin(jump).down(0, 1, 1), [unfaulted]],
  [
    "taken for dead shortly after",
    () => Story.settled().begin(cut).end(cut).at(settledMs + SimulationLimits.silentNoticeMs - 1).down(0, 1, 1),
    []
  ],
  [
    "taken for dead long after",
    () => Story.settled().begin(cut).end(cut).at(settledMs + SimulationLimits.silentNoticeMs).down(0, 1, 1),
    [unfaulted]
  ],
  [
    "closed shortly after",
    () => Story.settled().begin(cut).end(cut).at(settledMs + SimulationLimits.noticeMs - 1).down(0, 1, 1, "EOF"),
    []
  ],
  [
    "closed long after",
    () => Story.settled().begin(cut).end(cut).at(settledMs + SimulationLimits.noticeMs).down(0, 1, 1, "EOF"),
    [unfaulted]
  ],
  [
    "a machine was gone without a word: the next ping finds out",
    () =>
      Story.settled().begin(vanish).end(vanish).at(settledMs + SimulationLimits.noticeMs + 1).down(1, 0, 1, "reset"),
    []
  ],
  [
    "the news is late on a slow link",
    () =>
      Story.settled().begin(clog).begin(cut).end(cut).at(settledMs + 30_000).end(clog).at(settledMs + 40_000)
        .down(1, 0, 1, "EOF"),
    []
  ],
  [
    "one fault explains one Down at each end",
    () => Story.settled().begin(cut).down(0, 1, 1).down(1, 0, 1).join(0, 1, 4).down(0, 1, 4).down(1, 0, 4),
    [unfaulted, unfaulted]
  ],
  [
    "two explain two",
    () => Story.settled().begin(cut).begin(kill).down(0, 1, 1).up(0, 1, 4).down(0, 1, 4),
    []
  ],
  [
    "the recovered connection flaps once more",
    () =>
      Story.settled().begin(kill).gone(0).down(1, 0, 1).end(kill).at(settledMs + 10).join(0, 1, 4).at(settledMs + 3_000)
        .down(
          0,
          1,
          4,
          "reset"
        ),
    [unfaulted]
  ],
  [
    "one that came up after the fault",
    () => new Story().at(settledMs).begin(cut).end(cut).at(settledMs + 100).join(0, 1, 4).down(1, 0, 4, "reset"),
    [unfaulted]
  ],
  [
    "one whose handshake the fault broke",
    () => new Story().at(settledMs).begin(cut).end(cut).at(settledMs + 100).up(1, 0, 4).down(1, 0, 4, "reset"),
    []
  ],
  [
    "one whose handshake began later",
    () => new Story().at(settledMs).begin(cut).end(cut).at(settledMs + 1_100).up(1, 0, 4).down(1, 0, 4, "reset"),
    [unfaulted]
  ],
  [
    "each reboot of a crash loop explains one",
    () =>
      Story.settled().begin(loop).at(settledMs + 100).down(1, 0, 1).up(1, 0, 4).at(settledMs + 9_100).down(1, 0, 4)
        .up(1, 0, 5).at(settledMs + 9_200).down(1, 0, 5),
    [unfaulted]
  ],
  [
    "none before its reboot",
    () => Story.settled().begin(loop).down(1, 0, 1).up(1, 0, 4).at(settledMs + 8_999).down(1, 0, 4, "EOF"),
    [unfaulted]
  ],
  [
    "both moves of a node explain one, and none between them",
    () =>
      Story.settled().begin(readdress).down(1, 0, 1).up(1, 0, 4).at(settledMs + 300_000).down(1, 0, 4).up(1, 0, 5)
        .at(2 * settledMs).end(readdress).down(1, 0, 5),
    [unfaulted]
  ],
  ["a twin's own connections come and go", () => new Story().at(settledMs).begin(twin).up(1, 0, 4).down(1, 0, 4), []],
  ["a twin takes none of the node's", () => Story.settled().begin(twin).down(1, 0, 1), [unfaulted]],
  [
    "a twin takes the place of a node that cannot answer in time",
    () => {
      const story = Story.settled().begin(twin)
      story.impostor = true
      return story.down(1, 0, 1, "unanswered")
    },
    []
  ],
  ["one of two across two addresses", () => Story.settled().up(0, 1, 9, "s9", 1).down(0, 1, 1), []],
  [
    "after a fault that only kept apart there is none",
    () => Story.settled().begin(stall).end(stall).down(0, 1, 1),
    [unfaulted]
  ],
  [
    "one of two faults has ended",
    () => Story.settled().begin(cut).begin(kill).end(cut).at(9 * settledMs).down(0, 1, 1),
    []
  ],
  [
    "both have",
    () => Story.settled().begin(cut).begin(kill).end(cut).end(kill).at(9 * settledMs).down(0, 1, 1),
    [unfaulted]
  ],
  ["when the simulation has only begun", () => new Story().join(0, 1, 1).at(100).down(0, 1, 1), [unfaulted]],
  [
    "of an Up at one end only, while the answer is on a slow link",
    () => new Story().at(settledMs).begin(clog).up(0, 1, 1).down(0, 1, 1),
    []
  ],
  [
    "of an Up at both, while the link is slow",
    () => new Story().at(settledMs).begin(clog).join(0, 1, 1).down(0, 1, 1).down(1, 0, 1),
    [unfaulted, unfaulted]
  ],
  ["of an Up at one end only", () => new Story().at(settledMs).up(0, 1, 1).down(0, 1, 1), [unfaulted]],
  [
    "when the ends had different sockets",
    () => new Story().at(settledMs).up(0, 1, 1).up(1, 0, 2).down(0, 1, 1),
    [unfaulted]
  ],
  ["after the other process has gone", () => Story.settled().begin(kill).gone(0).down(1, 0, 1), []],
  [
    "when the nodes close",
    () => {
      const story = Story.settled()
      story.watch.closing = true
      return story.down(0, 1, 1)
    },
    []
  ],

  ["connected pairs", () => Story.settled().check(), []],
  ["nobody connected, within the bound", () => new Story().at(boundMs).check(), []],
  ["after it, each pair once", () => new Story().at(boundMs + 1).check().check(), [apart, apart, apart]],
  ["up at one end only", () => new Story().join(0, 1, 1).join(0, 2, 2).up(1, 2, 3).at(settledMs).check(), [apart]],
  ["different sockets", () => new Story().join(0, 1, 1).join(0, 2, 2).up(1, 2, 3).up(2, 1, 4).at(9_000).check(), [
    apart
  ]],
  [
    "two at one end",
    () => new Story().join(0, 1, 1).join(0, 2, 2).join(1, 2, 3).up(1, 2, 4, "s4", 1).at(9_000).check(),
    [apart]
  ],
  ["what one end has is gone", () => Story.settled().gone(0).at(parted + 1).check(), [apart, apart]],
  ["what one end has is gone, just now", () => Story.settled().gone(0).at(parted).check(), []],
  [
    "twice at both ends, just now",
    () => Story.settled().up(1, 2, 4, "s4", 1).up(2, 1, 4, "s4", 1).at(parted).check(),
    []
  ],
  [
    "a node that does not run",
    () => {
      const story = Story.settled().gone(0)
      story.dead.add(0)
      return story.check()
    },
    []
  ],
  ["kept apart", () => Story.settled().begin(kill).gone(0).at(9 * settledMs).check(), []],
  ["kept apart by less than breaks", () => Story.settled().begin(stall).gone(0).at(9 * settledMs).check(), []],
  ["the fault is of another pair", () => Story.settled().begin(cut).gone(0).at(9 * settledMs).check(), [apart]],
  ["excused by nothing", () => Story.settled().begin(jump).gone(0).at(9 * settledMs).check(), [apart, apart]],
  [
    "within the bound of the fault's end",
    () => Story.settled().begin(kill).gone(0).end(kill).at(settledMs + boundMs).check(),
    []
  ],
  [
    "after it",
    () => Story.settled().begin(kill).gone(0).end(kill).at(settledMs + boundMs + 1).check(),
    [apart, apart]
  ],
  [
    "the bound counts from the last fault's end",
    () =>
      Story.settled().begin(kill).begin(cut).gone(0).end(kill).at(settledMs + 5_000).end(cut).at(settledMs + 8_000)
        .check(),
    [apart]
  ],
  [
    "late again after another fault",
    () => Story.settled().gone(0).at(parted + 1).check().begin(cut).end(cut).at(9 * settledMs).check(),
    [apart, apart, apart]
  ]
]

describe("PairWatch: violations", () => {
  for (const [name, story, violated] of stories) {
    it(name, () => {
      const { violations, watch } = story()
      assert.deepStrictEqual(violations.map((line) => line.split(":")[0]), [...violated], violations.join("\n"))
      assert.strictEqual(watch.duplicates, violated.filter((line) => line === duplicate).length)
      assert.strictEqual(watch.unfaultedDowns, violated.filter((line) => line === unfaulted).length)
    })
  }

  it("they say who, what and how long", () => {
    assert.deepStrictEqual(Story.settled().up(0, 1, 9).violations, [
      `${duplicate}: node 0 has s9 up with node 1 beside s1`
    ])
    assert.deepStrictEqual(Story.settled().down(2, 1, 3).violations, [
      `${unfaulted}: node 2: silent, from node 1, up for 600 s`
    ])
    assert.deepStrictEqual(new Story().up(2, 1, 3).at(7_000).down(2, 1, 3, "EOF").violations, [
      `${unfaulted}: node 2: EOF, from node 1, up for 7 s, at this end only`
    ])
    assert.deepStrictEqual(new Story().join(0, 2, 2).join(1, 2, 3).up(1, 0, 4).at(7_000).check().violations, [
      `${apart}: nodes 0 and 1 are undisturbed for 7 s and not connected: nothing at 0, s4 at 1; why 0 1`
    ])
  })
})
