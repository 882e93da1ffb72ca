/** `timemesh peers export`: prints the peer book as a list that `import` reads. */
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as DataDir from "../../layers/store/DataDir.ts"
import * as Failure from "../Failure.ts"
import * as book from "./book.ts"

export const command = Command.make(
  "export",
  book.where,
  Effect.fnUntraced(function*({ json, ...told }) {
    const target = yield* book.locate(told)
    const exists = yield* Effect.mapError(
      DataDir.exists(target.directory),
      (error) => Failure.unusable(error)
    )
    if (!exists) {
      return yield* Failure.failed(
        `there is no node at ${target.directory}`,
        "name another place with --data-dir DIR or --network NAME"
      )
    }
    yield* book.lock(target)
    const entries = yield* Effect.map(book.open, ({ book }) => [...book.entries()]).pipe(book.withStore(target))
    const sorted = entries.toSorted((a, b) => PeerIp.compare(a.known.ip, b.known.ip))
    yield* Console.log(
      json
        ? JSON.stringify(sorted.map(({ known, table }) => ({
          address: PeerAddress.format(PeerAddress.make(known.ip, known.port)),
          table,
          seenAt: known.seenAt,
          goodAt: known.goodAt,
          failures: known.failures
        })))
        : sorted.map(({ known }) => PeerAddress.format(PeerAddress.make(known.ip, known.port))).join("\n")
    )
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Print the peer book of a stopped node, one IP:PORT per line; with --json, a JSON array of objects. Import reads both"
  ),
  Command.withExamples([
    { command: "timemesh peers export --data-dir /var/lib/timemesh", description: "One IP:PORT per line" },
    { command: "timemesh peers export --json", description: "With the last time each was seen" }
  ])
)
