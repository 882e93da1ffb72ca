/** `timemesh simulate`: whole networks of the real node in virtual time, with faults, reproducible from a seed. */
import { Effect, Random } from "effect"
import { Command, Flag } from "effect/cli"
import { availableParallelism } from "node:os"
import type { Self } from "../layers/node/Self.ts"
import { mutants } from "../simulation/plan/Mutants.ts"
import * as merge from "./simulate/merge.ts"
import { real, type Simulator } from "./simulate/simulator.ts"

const flags = {
  nodes: Flag.Int("nodes").pipe(Flag.withDescription("Number of nodes (default 10)"), Flag.withDefault(10)),
  hours: Flag.Finite("hours").pipe(
    Flag.withDescription("Virtual time to simulate, in hours (default 1)"),
    Flag.withDefault(1)
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription(
      "Seed of every random choice; the same seed and options repeat the same run (default: random, printed)"
    ),
    Flag.optional
  ),
  seeds: Flag.String("seeds").pipe(
    Flag.withMetavar("A..B"),
    Flag.withDescription(
      "Simulate every seed from A to B, each in its own process; prints one line per seed, in order"
    ),
    Flag.optional
  ),
  faults: Flag.String("faults").pipe(
    Flag.withMetavar("KINDS"),
    Flag.withDescription("Fault kinds, comma-separated, or all, or none (default all)"),
    Flag.withDefault("all")
  ),
  mode: Flag.Literals("mode", ["safety", "liveness"]).pipe(
    Flag.withDescription(
      "safety: faults until the end; liveness: half of the nodes heal at half-time and must reconnect fully (default safety)"
    ),
    Flag.withDefault("safety" as const)
  ),
  jobs: Flag.Int("jobs").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("Parallel processes with --seeds (default: the number of processors)"),
    Flag.optional
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print one JSON object; with --seeds one per seed and line, then one summary"),
    Flag.withDefault(false)
  ),
  trace: Flag.String("trace").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Write every event to FILE, one JSON object per line"),
    Flag.optional
  ),
  keepFaults: Flag.String("keep-faults").pipe(
    Flag.withMetavar("IDS"),
    Flag.withDescription("Replay: keep only these fault ids of the seed, comma-separated, or none"),
    Flag.optional
  ),
  keepNodes: Flag.String("keep-nodes").pipe(
    Flag.withMetavar("NODES"),
    Flag.withDescription("Replay: keep only these nodes, comma-separated, counted from 0"),
    Flag.optional
  ),
  untilMs: Flag.Int("until-ms").pipe(
    Flag.withMetavar("MS"),
    Flag.withDescription("Replay: stop at this virtual time (ms); faults are planned for the full duration"),
    Flag.optional
  ),
  store: Flag.Literals("store", ["memory", "sqlite"]).pipe(
    Flag.withDescription("Chain store of the nodes (default: memory; SQLite for one seed in eight)"),
    Flag.optional
  ),
  wire: Flag.Literals("wire", ["native", "mixed"]).pipe(
    Flag.withDescription(
      "native: nodes of timemesh. mixed: half of the nodes are daemons of the TIME network (a model of them), over TLS, on testnet's chain; " +
        "without the faults that only concern nodes of timemesh (default native)"
    ),
    Flag.optional
  ),
  masternodes: Flag.Boolean("masternodes").pipe(
    Flag.withDescription(
      "Make every other node a masternode; at the end all faults heal, and each node must count peers and masternodes right"
    ),
    Flag.withDefault(false)
  ),
  noShrink: Flag.Boolean("no-shrink").pipe(
    Flag.withDescription("Report a failure as found, without searching for a shorter run that fails the same way"),
    Flag.withDefault(false)
  ),
  shard: Flag.String("shard").pipe(
    Flag.withMetavar("I/N"),
    Flag.withDescription("With --seeds and --out: simulate only part I of N equal parts of the seeds, I from 1"),
    Flag.optional
  ),
  out: Flag.String("out").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("With --seeds: write every seed's result and the settings to FILE, for simulate merge"),
    Flag.optional
  ),
  mutant: Flag.Literals("mutant", mutants).pipe(
    Flag.withDescription("Plant this defect in every node, to verify that the invariants detect it"),
    Flag.optional,
    Flag.withHidden
  ),
  worker: Flag.Boolean("worker").pipe(
    Flag.withDescription("Simulate the seeds read from standard input"),
    Flag.withDefault(false),
    Flag.withHidden
  )
}

/** `self`: how to start this program again. `simulator`: tests pass another one. */
export const make = (self: Self, simulator: Effect.Effect<Simulator> = real) =>
  Command.make(
    "simulate",
    flags,
    Effect.fnUntraced(function*({ worker, ...given }) {
      const [many, one, request, { randomSeedMost }] = yield* Effect.promise(() =>
        Promise.all([
          import("./simulate/many.ts"),
          import("./simulate/one.ts"),
          import("./simulate/request.ts"),
          import("../simulation/plan/Limits.ts")
        ])
      )
      const { jobs, json, many: several, out, scenario, seeds, shrink, trace } = yield* Effect.fromResult(
        request.read(given, availableParallelism())
      )
      if (worker) return yield* many.worker(yield* simulator, scenario, shrink)
      if (several && seeds !== undefined) {
        return yield* many.command(self, simulator, scenario, { seeds, jobs, json, shrink, out })
      }
      const seed = seeds?.first ?? (yield* Random.nextIntBetween(0, randomSeedMost))
      yield* one.command(yield* simulator, { ...scenario, seed }, { json, shrink, trace })
    })
  ).pipe(
    Command.withDescription(
      "Simulate a network of nodes in virtual time, with faults drawn from a seed, and check the invariants at every event. " +
        "A failure is shrunk to the shortest run found and printed with the command that replays it. Exit code 0 if every " +
        "invariant held, 1 if not"
    ),
    Command.withExamples([
      {
        command: "timemesh simulate --nodes 50 --hours 24 --seed 7",
        description: "A day of 50 nodes, with the faults of seed 7"
      },
      { command: "timemesh simulate --seeds 1..100 --hours 6 --jobs 2", description: "Many seeds, two at a time" },
      {
        command: "timemesh simulate --seeds 1..1000 --shard 3/20 --out shard-3.jsonl",
        description: "One of 20 parts, for simulate merge"
      }
    ]),
    Command.withSubcommands([merge.command])
  )
