/** `timemesh peers trust IP`: a running node accepts the key that the peer shows next. */
import { Effect, Result } from "effect"
import { Argument, Command } from "effect/cli"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as askNode from "../askNode.ts"
import * as Failure from "../Failure.ts"
import * as flags from "../flags.ts"
import * as Json from "../json.ts"
import { say } from "../terminal.ts"

export const command = Command.make(
  "trust",
  { ...flags.asking, ip: Argument.String("ip").pipe(Argument.withDescription("IP address of the peer")) },
  Effect.fnUntraced(function*({ ip, json, ...where }) {
    const parsed = PeerIp.fromString(ip)
    if (Result.isFailure(parsed)) return yield* Failure.unusable(parsed.failure.message)
    const peer = parsed.success
    const forgotten = yield* askNode.ask(flags.toFlags(where), (client) => client.trust(peer))
    if (json) yield* Json.print({ ip: peer, forgotten })
    if (!forgotten) {
      return yield* Failure.failed(
        `no key of ${peer} is pinned: only TLS pins keys, and never those of TIME daemons`
      )
    }
    if (!json) yield* say(`the key of ${peer} is forgotten; the one that it shows next is trusted`)
  })
).pipe(
  Command.withDescription("Forget the key by which a peer is known, and trust the one that it shows next"),
  Command.withExamples([{
    command: "timemesh peers trust 203.0.113.7",
    description: "After that node was set up anew"
  }])
)
