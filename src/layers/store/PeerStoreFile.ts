/**
 * `PeerStore` in `peers.json` of the data directory: `{"version": 1, "peers": ["203.0.113.7:24100", …]}`, best first.
 *
 * A file that is damaged, wholly or in part, is kept as `peers.json.bad` (or `peers.json.bad-2`, …) and named in a warning;
 * its valid addresses are used.
 */
import { Effect, Layer, Option, Result, Schema, Semaphore } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import { PeerStore, PeerStoreError } from "../../services/PeerStore.ts"
import type { FileError } from "./PlainFiles.ts"
import { PlainFiles } from "./PlainFiles.ts"

const Content = Schema.fromJsonString(Schema.Struct({
  version: Schema.Literal(1),
  peers: Schema.Array(Schema.String)
}))

/** Maximum number of damaged files kept; beyond it, the last name is reused. */
const keptFiles = 9

const readable = (peers: ReadonlyArray<string>) => {
  const found: Array<PeerAddress.PeerAddress> = []
  let damaged: string | undefined
  for (const text of peers) {
    // Port 0 as the default makes a missing port an error: a stored address always has one.
    const address = PeerAddress.fromString(text, 0)
    if (Result.isSuccess(address)) found.push(address.success)
    else damaged ??= address.failure.message
  }
  return { found: found.slice(0, Limits.storedPeers), damaged }
}

const toStoreError = (fix: string) => (error: FileError) => new PeerStoreError({ detail: `${error.message}; ${fix}` })

const make = Effect.fnUntraced(function*(directory: string) {
  const files = yield* PlainFiles
  const path = `${directory}/peers.json`
  const oneAtATime = yield* Semaphore.make(1)

  const freeName = Effect.gen(function*() {
    for (let i = 1; i < keptFiles; i++) {
      const name = i === 1 ? `${path}.bad` : `${path}.bad-${i}`
      if (!(yield* files.exists(name))) return name
    }
    return `${path}.bad-${keptFiles}`
  })

  const setAside = (problem: string) =>
    Effect.gen(function*() {
      const aside = yield* freeName
      yield* files.rename(path, aside)
      yield* Effect.logWarning(`${path} is damaged (${problem}); kept as ${aside}`)
    })

  const read = Effect.gen(function*() {
    const text = yield* files.read(path)
    if (Option.isNone(text)) return []
    const content = yield* Effect.option(Schema.decodeEffect(Content)(text.value))
    if (Option.isNone(content)) {
      yield* setAside("not the JSON that timemesh writes")
      return []
    }
    const { damaged, found } = readable(content.value.peers)
    if (damaged !== undefined) yield* setAside(damaged)
    return found
  })

  return PeerStore.of({
    load: oneAtATime.withPermits(1)(read).pipe(
      Effect.mapError(toStoreError("starting without the stored peers"))
    ),
    save: (addresses) => {
      const content = { version: 1, peers: addresses.slice(0, Limits.storedPeers).map(PeerAddress.format) }
      return oneAtATime.withPermits(1)(files.replace(path, `${JSON.stringify(content, undefined, 2)}\n`)).pipe(
        Effect.mapError(toStoreError("good peers are not remembered until that works"))
      )
    }
  })
})

/** `directory` must exist. */
export const layer = (directory: string): Layer.Layer<PeerStore> => Layer.effect(PeerStore, make(directory))
