/** `timemesh chain make`: writes blocks of a synthetic chain to a file. */
import { Console, Effect, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { chainParams } from "../../domain/chain/ChainParams.ts"
import * as ChainFile from "../../layers/chain/tools/ChainFile.ts"
import * as Settings from "../../layers/config/Settings.ts"
import * as OutputFile from "../../layers/store/OutputFile.ts"
import * as Failure from "../Failure.ts"
import * as flags from "../flags.ts"
import * as Json from "../json.ts"
import { bytes, fields } from "../table.ts"
import { say } from "../terminal.ts"
import * as target from "./target.ts"

/** Texts that rules and databases accept unchanged. */
const plain = /^[\x21-\x7e]{1,128}$/

export const command = Command.make(
  "make",
  {
    blocks: Flag.Int("blocks").pipe(Flag.withMetavar("N"), Flag.withDescription("Height of the last block")),
    leader: Flag.String("leader").pipe(Flag.withDescription("Leader named in every block, usually an IP address")),
    address: Flag.String("address").pipe(Flag.withDescription("Address that receives the rewards")),
    out: Flag.String("out").pipe(
      Flag.withMetavar("FILE"),
      Flag.withDescription(
        "File to write, replaced if it exists; a fifo or a device such as /dev/stdout is written in place"
      )
    ),
    network: flags.setting({
      ...Settings.general.network,
      metavar: "testnet|devnet",
      help: "Network whose rules and genesis block apply (default testnet)"
    }),
    json: target.where.json
  },
  Effect.fnUntraced(function*({ address, blocks, json, leader, network: told, out }) {
    const { network = "testnet" } = yield* target.chosen({ network: told })
    if (network === "mainnet") {
      return yield* Failure.unusable("--network: no chain is made for mainnet", "write testnet or devnet")
    }
    if (blocks < 1) return yield* Failure.unusable(`--blocks: "${blocks}" is out of range`, "write 1 or more")
    for (const [flag, text] of [["leader", leader], ["address", address]] as const) {
      if (!plain.test(text)) {
        return yield* Failure.unusable(`--${flag}: "${text}" is not 1 to 128 visible ASCII characters`)
      }
    }
    let tip = { height: 0, hash: "" }
    const { blocks: blocksOf } = yield* Effect.promise(() => import("../../layers/chain/tools/ChainMake.ts"))
    const records = blocksOf(chainParams[network], blocks, { leader, address }).pipe(Stream.map((made) => {
      tip = made.at(-1) ?? tip
      return ChainFile.encode(made.map((block) => block.bytes))
    }))
    const size = yield* OutputFile.write(out, records).pipe(
      Effect.mapError((error) =>
        Failure.unusable(error._tag === "NotDue" ? `--blocks: ${error.message}` : error.message)
      )
    )
    const { hash, height } = tip
    const isOutput = OutputFile.isStandardOutput(out)
    yield* json
      ? Json.print({ network, height, hash, size, file: out }, isOutput ? Console.error : Console.log)
      : (isOutput ? Console.error : say)(fields([
        ["network", network],
        ["height", String(height)],
        ["tip", hash],
        ["file", `${out}, ${bytes(size)}`]
      ]))
  })
).pipe(
  Command.withDescription(
    "Write a synthetic chain to a file, for tests: always the same for the same flags. Not consensus"
  ),
  Command.withExamples([
    {
      command: "timemesh chain make --blocks 2480 --leader 192.0.2.1 --address TIME0x --network devnet --out blocks",
      description: "2480 blocks from devnet's genesis"
    }
  ])
)
