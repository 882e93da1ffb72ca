/**
 * `node --expose-gc test/leak/main.ts`: connections and nodes that come and go, many thousand times, and what is left of
 * them. Prints a table and ends with exit code 1 if anything is. How to read it: docs/soak.md.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Data, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import type { Result } from "./Judge.ts"
import * as Phases from "./Phases.ts"

class Leaked extends Data.TaggedError("Leaked")<{ readonly message: string }> {}

const mib = (bytes: number): string => `${(bytes / 1_048_576).toFixed(2)} MiB`

const handles = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts).map(([kind, count]) => `${kind} ${count}`).join(", ")

export const render = ({ after, before, cycles, leaks, name, open, reasons, seconds }: Result): string => {
  const row = (what: string, first: string, then: string) =>
    `  ${what.padEnd(24)} ${first.padStart(14)} ${then.padStart(14)}`
  const counts = ["connections", "rows", "ends", "fibers", "timers", "entries"] as const
  return [
    `${name}: ${cycles} cycles in ${seconds.toFixed(1)} s, ${Math.round(cycles / seconds)}/s`,
    row("", "before", "after"),
    row("heap", mib(before.heap), mib(after.heap)),
    row("buffers outside of it", mib(before.external), mib(after.external)),
    ...counts.map((key) => row(key, String(before[key]), String(after[key]))),
    ...(open === undefined ? [] : [row("open on the network", "", String(open))]),
    `  handles before           ${handles(before.handles)}`,
    `  handles after            ${handles(after.handles)}`,
    `  heap                     ${((after.heap / before.heap - 1) * 100).toFixed(2)} %, ${
      ((after.heap - before.heap) / cycles).toFixed(1)
    } bytes per cycle`,
    `  ends                     ${Object.entries(reasons).map(([label, count]) => `${label} ${count}`).join(", ")}`,
    leaks.length === 0 ? "  OK" : `  NOT OK: ${leaks.join("; ")}`
  ].join("\n")
}

/** Of each kind, at once. */
const lanes = 8

/** Every lane goes through all its ways, however short the test. */
const warmUpOf = (cycles: number): number => Math.max(50 * lanes, Math.min(10_000, Math.floor(cycles / 5)))

const count = (name: string, usual: number, what: string) =>
  Flag.Int(name).pipe(Flag.withDescription(`${what} (default ${usual}; 0: none)`), Flag.withDefault(usual))

const command = Command.make(
  "leak",
  {
    memory: count("memory", 100_000, "Connections on the memory network"),
    sockets: count("sockets", 5_000, "Connections on real sockets, 127.61.0.1 and so on"),
    lifetimes: count("lifetimes", 2_000, "Nodes built and closed")
  },
  Effect.fnUntraced(function*({ lifetimes, memory, sockets }) {
    const results: Array<Result> = []
    const phase = (cycles: number, run: (options: Phases.Options) => Effect.Effect<Result, Phases.Failure>) =>
      Effect.gen(function*() {
        if (cycles === 0) return
        const result = yield* run({ cycles, warmUp: warmUpOf(cycles), lanes })
        results.push(result)
        yield* Console.log(render(result))
      })
    yield* phase(memory, Phases.memory)
    yield* phase(sockets, Phases.sockets)
    yield* phase(lifetimes, Phases.lifetimes)
    const bad = results.filter(({ leaks }) => leaks.length > 0)
    if (bad.length > 0) return yield* new Leaked({ message: `leaks in: ${bad.map(({ name }) => name).join(", ")}` })
  })
)

command.pipe(Command.run({ version: "1" }), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
