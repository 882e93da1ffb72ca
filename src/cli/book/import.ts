/** `timemesh peers import`: adds a list of peers, in the format of operators and older programs, to the peer book. */
import { Clock, Effect } from "effect"
import { Argument, Command } from "effect/cli"
import * as Limits from "../../domain/Limits.ts"
import * as AddressList from "../../domain/peer/AddressList.ts"
import type { PeerBook } from "../../domain/peer/PeerBook.ts"
import * as InputFile from "../../layers/store/InputFile.ts"
import { PeerStore } from "../../services/PeerStore.ts"
import * as Failure from "../Failure.ts"
import * as Json from "../json.ts"
import { fields } from "../table.ts"
import { say } from "../terminal.ts"
import * as book from "./book.ts"

/** Counts of entries by outcome: `read` is the sum of the others. */
export interface Imported {
  readonly read: number
  /** Entries whose peer an earlier entry names. */
  readonly merged: number
  /** Peers of the list that are now in the book. */
  readonly kept: number
  readonly refused: ReadonlyArray<AddressList.RefusedEntry>
}

/** Adds the list to the book. `now`: wall time, ms. */
export const importInto = (
  into: PeerBook,
  list: AddressList.AddressList,
  networkPort: number,
  now: number
): Imported => {
  const refused = [...list.refused]
  let kept = 0
  for (const { address, line, text } of list.peers) {
    const added = into.add(address, "operator", now)
    if (added === "no-room" || added === "refused") {
      refused.push({ line, text, reason: `the peer book has no place for it (${into.size} addresses)` })
      continue
    }
    kept += 1
    const before = into.get(address.ip)
    if (before !== undefined && before.goodAt === 0) {
      into.setPort(address.ip, AddressList.likelier(before.port, address.port, networkPort))
    }
  }
  return { read: list.read, merged: list.merged, kept, refused: refused.toSorted((a, b) => a.line - b.line) }
}

const render = ({ kept, merged, read, refused }: Imported, size: number): string =>
  [
    fields([
      ["read", `${read} entries`],
      ["merged", `${merged} entries of the same peers`],
      ["kept", `${kept} peers; the peer book has ${size} addresses now`],
      ["refused", `${refused.length} entries`]
    ]),
    ...refused.slice(0, Limits.refusedShown).map(({ line, reason, text }) => `  line ${line}: "${text}": ${reason}`),
    ...(refused.length > Limits.refusedShown
      ? [`  and ${refused.length - Limits.refusedShown} more: use --json to list all`]
      : [])
  ].join("\n")

export const command = Command.make(
  "import",
  {
    ...book.where,
    from: Argument.String("file").pipe(
      Argument.withDescription(
        "List of peers: lines of IP or IP:PORT, a JSON array of those or of objects with \"address\", or a JSON object keyed by address"
      )
    )
  },
  Effect.fnUntraced(function*({ from, json, ...told }) {
    const target = yield* book.locate(told)
    const text = yield* Effect.mapError(
      InputFile.text(from, Limits.addressListBytes),
      (error) => Failure.unusable(error)
    )
    const list = AddressList.read(text, target.network.port)
    yield* book.lock(target)
    yield* Effect.gen(function*() {
      const { book: into, key, stored } = yield* book.open
      const imported = importInto(into, list, target.network.port, yield* Clock.currentTimeMillis)
      const store = yield* PeerStore
      yield* Effect.mapError(
        store.save({
          ...into.takeChanges(),
          key,
          anchors: stored.anchors,
          bans: undefined,
          offenders: [],
          forgotten: [],
          whole: () => into.entries(),
          wholeBans: () => stored.bans,
          wholeOffenders: () => stored.offenders
        }),
        (error) => Failure.unusable(error)
      )
      yield* json ? Json.print(imported) : say(render(imported, into.size))
    }).pipe(book.withStore(target))
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Take a list of peers into the peer book of a stopped node. Entries of one IP are one peer, at the network's port if any names it"
  ),
  Command.withExamples([
    { command: "timemesh peers import peers.txt --data-dir /var/lib/timemesh", description: "Lines of IP or IP:PORT" },
    {
      command: "timemesh peers import peers.json --network mainnet --json",
      description: "A JSON list; what was refused, with reasons"
    }
  ])
)
