/** `timemesh chain`: works on a stored chain while no node uses it. */
import { Command } from "effect/cli"
import * as export_ from "./export.ts"
import * as import_ from "./import.ts"
import * as info from "./info.ts"
import * as make from "./make.ts"
import * as rewind from "./rewind.ts"
import * as verify from "./verify.ts"

export const command = Command.make("chain").pipe(
  Command.withDescription("Inspect, verify, copy or repair the stored chain of a stopped node"),
  Command.withExamples([
    { command: "timemesh chain info --data-dir /var/lib/timemesh", description: "Network, height and tip" },
    { command: "timemesh chain verify", description: "Check every stored block of testnet's chain" }
  ]),
  Command.withSubcommands([
    info.command,
    verify.command,
    export_.command,
    import_.command,
    make.command,
    rewind.command
  ])
)
