/** What is searched: the whole for `npm run model`, a quick part of it for `npm test`. */
import { alias, behindHigher, behindLower, seven, twice } from "./Cases.ts"
import type { Options } from "./Cases.ts"
import type { FaultKind, Setting } from "./World.ts"

type Build = (options: Options) => Setting
type Size = readonly [slots: number, faults: number]

export interface Section {
  readonly name: string
  readonly settings: ReadonlyArray<Setting>
}

const aliases = [
  alias("alias, both lower", "lower", "lower"),
  alias("alias, between", "lower", "higher"),
  alias("alias, both higher", "higher", "higher")
]
const twoAddresses = [
  twice("two addresses at both ends", [0, 3, 1, 2]),
  twice("two addresses at both ends, A lower", [0, 1, 2, 3])
]
const processes = [behindHigher, behindLower]

/** Everything but stalls. */
const every: ReadonlyArray<FaultKind> = ["break", "crash", "deaf", "reject-lost", "refuse", "stop"]
const stall: ReadonlyArray<FaultKind> = ["stall"]
/** A node keeps its peer out for a while. */
const keepOut: ReadonlyArray<FaultKind> = ["ban", "evict", "full"]
/** What may fail beside a stall and must still not cost a live connection: no process is new, so none has a rival. */
const stallAndNetwork: ReadonlyArray<FaultKind> = ["stall", "break", "deaf", "reject-lost"]

const all = (
  builds: ReadonlyArray<Build>,
  sizes: ReadonlyArray<Size>,
  options: Partial<Options> = {}
): ReadonlyArray<Setting> =>
  sizes.flatMap(([slots, faults]) => builds.map((build) => build({ slots, faults, anyTimer: false, ...options })))

export const whole: ReadonlyArray<Section> = [
  { name: "timely", settings: all(seven, [[3, 0], [3, 1], [3, 2], [3, 3], [4, 0], [4, 1], [4, 2], [4, 3]]) },
  { name: "timely, every fault", settings: all(seven, [[3, 1], [3, 2], [4, 1]], { kinds: every }) },
  {
    name: "stalls",
    settings: [
      ...all(seven, [[3, 1], [3, 2], [3, 3], [4, 1]], { kinds: stall }),
      ...all(seven, [[3, 2]], { kinds: stallAndNetwork }),
      ...all(seven, [[3, 2]], { kinds: ["stall", "crash"] })
    ]
  },
  {
    name: "kept out",
    settings: [
      ...all(seven, [[3, 1], [3, 2], [4, 1]], { kinds: keepOut }),
      ...all(seven, [[3, 2]], { kinds: [...keepOut, "break"] }),
      ...all(seven.slice(1), [[3, 2]], { kinds: [...keepOut, "crash"] }),
      ...all(seven, [[3, 1]], { kinds: keepOut, anyTimer: true }),
      ...all(aliases, [[3, 1]], { kinds: keepOut })
    ]
  },
  {
    name: "any timer",
    settings: all(seven, [[3, 0], [3, 1], [3, 2], [3, 3], [4, 0]], { anyTimer: true })
  },
  { name: "any timer, every fault", settings: all(seven, [[3, 1]], { anyTimer: true, kinds: [...every, "stall"] }) },
  {
    name: "two processes",
    settings: [...all(processes, [[3, 0], [3, 1], [4, 0]]), ...all(processes, [[3, 1]], { kinds: every })]
  },
  {
    name: "two addresses",
    settings: [
      ...all(aliases, [[3, 0], [3, 1], [4, 0], [4, 1]]),
      ...all(aliases, [[3, 1]], { kinds: every }),
      ...all(twoAddresses, [[2, 0], [2, 1], [3, 1]]),
      ...all(twoAddresses, [[2, 1]], { kinds: every })
    ]
  },
  {
    name: "sockets without numbers",
    settings: [
      ...all(seven, [[3, 1], [3, 2]], { numbers: false }),
      ...all(seven, [[3, 1]], { numbers: false, anyTimer: true })
    ]
  }
]

/**
 * Some 190,000 states. Each rule whose lack the search can notice at all is missed in one of them: a second challenge needs two
 * faults, the end of an alias's bar three sockets.
 */
export const quickTimely: ReadonlyArray<Setting> = [
  ...all(seven, [[3, 1]], { kinds: every }),
  ...all(seven, [[3, 1]], { kinds: stall }),
  ...all(seven, [[3, 1]], { kinds: keepOut }),
  ...all(seven.slice(3, 4), [[3, 2]], { kinds: [...keepOut, "break"] }),
  ...all(seven.slice(3), [[3, 2]]),
  ...all(processes, [[3, 0]]),
  ...all(aliases, [[3, 0]]),
  ...all(aliases.slice(1, 2), [[3, 1]]),
  ...all(aliases.slice(1, 2), [[3, 1]], { kinds: keepOut }),
  ...all(twoAddresses, [[2, 1]], { kinds: every })
]

export const quickAnyTimer: ReadonlyArray<Setting> = [
  ...all(seven, [[2, 1]], { anyTimer: true, kinds: every }),
  ...all(seven.slice(0, 1), [[3, 0]], { anyTimer: true })
]
