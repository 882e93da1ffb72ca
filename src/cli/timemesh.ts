/** The command line as a whole. */
import { Command } from "effect/cli"
import type * as NodeProcess from "../testnet/NodeProcess.ts"
import * as chain from "./chain/chain.ts"
import * as peers from "./peers.ts"
import * as run from "./run.ts"
import * as simulate from "./simulate.ts"
import * as status from "./status.ts"
import * as testnet from "./testnet.ts"
import * as why from "./why.ts"

/** `makeNode`: how `run` makes its node. `self`: how `testnet` and `simulate` start this program again. */
export const make = (makeNode: run.MakeNode, self: NodeProcess.Self) =>
  Command.make("timemesh").pipe(
    Command.withDescription("A peer-to-peer node with exactly one connection per peer. A peer is its IP address."),
    Command.withSubcommands([
      run.make(makeNode),
      testnet.make(self),
      simulate.make(self),
      status.command,
      peers.command,
      why.command,
      chain.command
    ])
  )
