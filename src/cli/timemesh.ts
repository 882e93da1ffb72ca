/**
 * The root command. What only one command needs is loaded by its handler (`import()`): `status` must not pay for the node, the simulator and the
 * testnet.
 */
import type { Effect } from "effect"
import { Command } from "effect/cli"
import type { Self } from "../layers/node/Self.ts"
import * as backup from "./backup.ts"
import * as ban from "./ban.ts"
import * as bans from "./bans.ts"
import * as chain from "./chain/chain.ts"
import * as connect from "./connect.ts"
import * as crawl from "./crawl.ts"
import * as disconnect from "./disconnect.ts"
import * as doctor from "./doctor.ts"
import * as masternodes from "./masternodes.ts"
import * as peers from "./peers.ts"
import * as replay from "./replay.ts"
import * as restore from "./restore.ts"
import * as run from "./run.ts"
import type { MakeNode } from "./run/daemon.ts"
import * as show from "./show.ts"
import * as simulate from "./simulate.ts"
import * as status from "./status.ts"
import * as testnet from "./testnet.ts"
import * as trace from "./trace.ts"
import * as unban from "./unban.ts"
import * as watch from "./watch.ts"
import * as why from "./why.ts"

/** `makeNode`: how `run` builds its node. `self`: how `testnet` and `simulate` start this program again. */
export const make = (makeNode: Effect.Effect<MakeNode>, self: Self) =>
  Command.make("timemesh").pipe(
    Command.withDescription("Peer-to-peer node with exactly one connection per peer. A peer is its IP address."),
    Command.withExamples([
      {
        command: "timemesh run --listen 0.0.0.0:24100 --advertise 203.0.113.7",
        description: "A node of testnet with a public address"
      },
      { command: "timemesh status", description: "Whether all is well with it, and what to do if not" },
      { command: "timemesh watch", description: "Its peers, sync and events, live" },
      { command: "timemesh why 198.51.100.4", description: "Why it is, or is not, connected to an address" },
      { command: "timemesh peers --help", description: "Flags and examples of one command" }
    ]),
    Command.withSubcommands([
      run.make(makeNode),
      testnet.make(self),
      simulate.make(self),
      status.command,
      watch.command,
      doctor.command,
      show.command,
      peers.command,
      masternodes.command,
      why.command,
      trace.command,
      replay.command,
      connect.command,
      disconnect.command,
      ban.command,
      unban.command,
      bans.command,
      crawl.command,
      chain.command,
      backup.command,
      restore.command
    ])
  )
