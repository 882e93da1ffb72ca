/** Everything that is searched of a pair with a daemon: settings, and rules without which a property breaks. */
import * as TimePair from "../../../src/domain/pair/TimePair.ts"
import { search } from "./Search.ts"
import type { Result } from "./Search.ts"
import type { Setting } from "./World.ts"

const against = (above: boolean, refusesWhileConnecting: boolean): Setting => ({
  step: TimePair.step,
  daemon: { above, refusesWhileConnecting },
  daemonDials: Infinity,
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

export interface Case {
  readonly name: string
  readonly setting: Setting
}

export const cases: ReadonlyArray<Case> = four.flatMap((setting): ReadonlyArray<Setting> => [
  { ...setting, faults: 1 },
  { ...setting, faults: 1, anyTimer: true },
  { ...setting, faults: 1, daemonDials: 0 },
  { ...setting, faults: 1, daemonDials: 1 },
  { ...setting, faults: 2, sockets: 2 },
  { ...setting, faults: 3, only: "silence" }
]).map((setting) => ({ name: nameOf(setting), setting }))

/** Rules of which each is needed. */
export interface Mutant {
  readonly name: string
  readonly rules: Partial<TimePair.Rules>
}

export const mutants: ReadonlyArray<Mutant> = [
  { name: "sessions before the one that came up are kept", rules: { older: "keep" } },
  { name: "the last to say so counts", rules: { counts: "last" } },
  { name: "a failed dial takes nothing along", rules: { failedTakesAlong: false } },
  { name: "our own dial is cut off when the peer's comes up", rules: { otherDial: "abort" } },
  { name: "a dial waits for an Ack for ever", rules: { silenceEnds: false } },
  { name: "a session on which the daemon asks nothing is kept", rules: { unusedEnds: false } }
]

/** What the search finds without the rule: `violation` is there, or the rule is not needed. */
export const refute = ({ rules }: Mutant): Pick<Result, "states" | "violation"> => {
  const step = TimePair.make({ ...TimePair.production, ...rules })
  let states = 0
  for (const setting of four) {
    const varied: ReadonlyArray<Setting> = [
      { ...setting, step },
      { ...setting, step, faults: 1, only: "silence" },
      { ...setting, step, faults: 1, daemonDials: 0 },
      { ...setting, step, faults: 1, daemonDials: 1 }
    ]
    for (const each of varied) {
      const result = search(each)
      states += result.states
      if (result.violation !== undefined) return { states, violation: result.violation }
    }
  }
  return { states, violation: undefined }
}
