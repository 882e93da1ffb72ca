/** `timemesh simulate`: whole networks of the real node in virtual time, with faults, replayable from a seed. */
import { Effect, Random } from "effect"
import { Command, Flag } from "effect/cli"
import { availableParallelism } from "node:os"
import type { Self } from "../layers/node/Self.ts"
import { mutants } from "../simulation/Mutant.ts"
import * as many from "./simulate/many.ts"
import * as one from "./simulate/one.ts"
import * as request from "./simulate/request.ts"
import { real, type Simulator } from "./simulate/simulator.ts"

const flags = {
  nodes: Flag.Int("nodes").pipe(Flag.withDescription("Nodes of the network (default 10)"), Flag.withDefault(10)),
  hours: Flag.Finite("hours").pipe(
    Flag.withDescription("How long to run, in virtual time (default 1)"),
    Flag.withDefault(1)
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription(
      "What everything is drawn from; the same seed runs the same way (default: random, printed)"
    ),
    Flag.optional
  ),
  seeds: Flag.String("seeds").pipe(
    Flag.withMetavar("A..B"),
    Flag.withDescription("Run all these seeds, in processes of their own; a line for each, in order"),
    Flag.optional
  ),
  faults: Flag.String("faults").pipe(
    Flag.withMetavar("KINDS"),
    Flag.withDescription("Kinds of faults with commas between, or all, or none (default all)"),
    Flag.withDefault("all")
  ),
  mode: Flag.Literals("mode", ["safety", "liveness"]).pipe(
    Flag.withDescription(
      "safety: faults all the time; liveness: from half-time on the network must become whole again (default safety)"
    ),
    Flag.withDefault("safety" as const)
  ),
  jobs: Flag.Int("jobs").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("With --seeds: processes at a time (default: as many as this machine has processors)"),
    Flag.optional
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print one JSON object; with --seeds one per line and seed, and one for all of them at last"),
    Flag.withDefault(false)
  ),
  trace: Flag.String("trace").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Write everything that happens to the file, a JSON object per line"),
    Flag.optional
  ),
  keepFaults: Flag.String("keep-faults").pipe(
    Flag.withMetavar("IDS"),
    Flag.withDescription("Of the seed's faults only these, with commas between, or none (for replay)"),
    Flag.optional
  ),
  keepNodes: Flag.String("keep-nodes").pipe(
    Flag.withMetavar("NODES"),
    Flag.withDescription("Only these nodes exist, with commas between; the first is 0 (for replay)"),
    Flag.optional
  ),
  untilMs: Flag.Int("until-ms").pipe(
    Flag.withMetavar("MS"),
    Flag.withDescription("End after so many virtual milliseconds, with the faults of the whole time (for replay)"),
    Flag.optional
  ),
  store: Flag.Literals("store", ["memory", "sqlite"]).pipe(
    Flag.withDescription("What the nodes keep their chains in (default: memory, or SQLite for one seed in eight)"),
    Flag.optional
  ),
  noShrink: Flag.Boolean("no-shrink").pipe(
    Flag.withDescription("Do not look for a shorter run that fails in the same way"),
    Flag.withDefault(false)
  ),
  mutant: Flag.Literals("mutant", mutants).pipe(
    Flag.withDescription("Plant this defect in every node, to see that it is found"),
    Flag.optional,
    Flag.withHidden
  ),
  worker: Flag.Boolean("worker").pipe(
    Flag.withDescription("Simulate the seeds on standard input"),
    Flag.withDefault(false),
    Flag.withHidden
  )
}

/** Random seeds are short enough to be typed. */
const mostByChance = 999_999_999

/** `self`: how to start this program again. `simulator`: for tests, another one. */
export const make = (self: Self, simulator: Effect.Effect<Simulator> = real) =>
  Command.make(
    "simulate",
    flags,
    Effect.fnUntraced(function*({ worker, ...given }) {
      const { jobs, json, many: several, scenario, seeds, shrink, trace } = yield* Effect.fromResult(
        request.read(given, availableParallelism())
      )
      if (worker) return yield* many.worker(yield* simulator, scenario, shrink)
      if (several && seeds !== undefined) return yield* many.command(self, scenario, { seeds, jobs, json, shrink })
      const seed = seeds?.first ?? (yield* Random.nextIntBetween(0, mostByChance))
      yield* one.command(yield* simulator, { ...scenario, seed }, { json, shrink, trace })
    })
  ).pipe(
    Command.withDescription(
      "Run a whole network of nodes in virtual time, with faults drawn from a seed, and check at every step what must " +
        "always hold. A failure is made as short as possible, and printed with the command that replays it. Exit code 0 " +
        "if all is well, 1 if not"
    )
  )
