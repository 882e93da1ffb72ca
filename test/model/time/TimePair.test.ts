/** `TimePair` against the daemon's rules, exhaustively; and what each of its rules is for. */
import { assert, describe, it } from "@effect/vitest"
import * as TimePair from "../../../src/domain/pair/TimePair.ts"
import { search } from "./Search.ts"
import type { Setting } from "./World.ts"

const against = (above: boolean, refusesWhileConnecting: boolean): Setting => ({
  step: TimePair.step,
  daemon: { above, refusesWhileConnecting },
  daemonDials: true,
  sockets: 3,
  faults: 0,
  anyTimer: false
})

/** Ours above or below, and both readings of what a daemon does while it dials. */
const four = [against(true, true), against(true, false), against(false, true), against(false, false)]

const nameOf = ({ anyTimer, daemon, daemonDials, faults, only, sockets }: Setting): string =>
  `daemon ${daemon.above ? "above" : "below"}, ${
    daemon.refusesWhileConnecting ? "refuses" : "yields"
  } while dialling, ${daemonDials ? "dials" : "never dials"}, ${sockets} sockets, ${faults} ${
    only === undefined ? "faults" : "silent refusals"
  }${anyTimer ? ", any timer" : ""}`

describe("every state", () => {
  const settings = four.flatMap((setting) => [
    { ...setting, faults: 1 },
    { ...setting, faults: 1, anyTimer: true },
    { ...setting, faults: 1, daemonDials: false },
    { ...setting, faults: 2, sockets: 2 },
    { ...setting, faults: 3, only: "silence" as const }
  ])
  for (const setting of settings) {
    it(nameOf(setting), { timeout: 120_000 }, () => {
      const result = search(setting)
      assert.isUndefined(result.violation, result.violation?.flat().join("\n"))
      assert.isAbove(result.states, 10)
      assert.isAbove(result.settled, 0)
    })
  }
})

describe("the search can fail", () => {
  const mutants: ReadonlyArray<readonly [name: string, rules: Partial<TimePair.Rules>]> = [
    ["sessions before the one that came up are kept", { older: "keep" }],
    ["the last to say so counts", { counts: "last" }],
    ["a failed dial takes nothing along", { failedTakesAlong: false }],
    ["our own dial is cut off when the peer's comes up", { otherDial: "abort" }],
    ["a dial waits for an Ack for ever", { silenceEnds: false }]
  ]
  for (const [name, rules] of mutants) {
    it(`refutes: ${name}`, { timeout: 120_000 }, () => {
      const step = TimePair.make({ ...TimePair.production, ...rules })
      const found = four.flatMap((setting): ReadonlyArray<Setting> => [
        { ...setting, step },
        { ...setting, step, faults: 1, only: "silence" },
        { ...setting, step, faults: 1, daemonDials: false }
      ]).map((setting) => search(setting).violation).find((violation) => violation !== undefined)
      assert.isDefined(found)
    })
  }
})
