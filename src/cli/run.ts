/** `timemesh run`: one node in the foreground, until SIGINT or SIGTERM. */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as flags from "./flags.ts"
import type { MakeNode } from "./run/daemon.ts"

/**
 * The command. `makeNode`: how the node is built, which is loaded when it is. The exit code after SIGINT or SIGTERM is `process.exitCode`: see `main.ts`.
 */
export const make = (makeNode: Effect.Effect<MakeNode>) =>
  Command.make(
    "run",
    {
      settings: flags.all,
      withParent: Flag.Boolean("with-parent").pipe(
        Flag.withDescription("Stop at the end of standard input, so that the node never outlives its parent"),
        Flag.withDefault(false)
      ),
      produce: Flag.Boolean("produce").pipe(
        Flag.withDescription(
          "Produce a block every 2 s, taking turns with other producers. Devnet only: a test producer, not consensus"
        ),
        Flag.withDefault(false)
      )
    },
    Effect.fnUntraced(function*(given) {
      // From here on a signal is a clean stop, even while the node still starts: a service that is stopped then has not failed.
      process.exitCode = 0
      const { run } = yield* Effect.promise(() => import("./run/daemon.ts"))
      yield* run(yield* makeNode, given)
    })
  ).pipe(
    Command.withDescription(
      "Run a node in the foreground. SIGINT, SIGTERM, SIGHUP and SIGQUIT stop it cleanly, with exit code 0"
    ),
    Command.withExamples([
      {
        command:
          "timemesh run --listen 0.0.0.0:24100 --advertise 203.0.113.7 --peer 198.51.100.4 --peer [2001:db8::7]:24105",
        description: "Testnet, from two peers on"
      },
      {
        command: "timemesh run --config /etc/timemesh/node.toml --log-format json",
        description: "Settings from a file, the log for a collector"
      },
      {
        command: "TIMEMESH_NETWORK=mainnet timemesh run --data-dir /var/lib/timemesh",
        description: "Settings from the environment"
      },
      {
        command: "timemesh run --network devnet --listen 127.0.0.1:24200 --produce",
        description: "A node for tests on this machine"
      }
    ])
  )
