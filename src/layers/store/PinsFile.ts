/**
 * `PeerPins` in `pins.json` of the data directory: `{"version": 1, "pins": [{"ip", "key", "since", "seenAt"}, …]}`, fresh ones first (`PinTable`), the most recently shown last.
 *
 * A damaged file is kept as `pins.json.bad`, and every peer's next key is then trusted as at first contact. If the file cannot be written, the node
 * warns, and new pins last until it stops.
 */
import { Effect, Layer, Option, Queue, Schema } from "effect"
import type { Scope } from "effect"
import * as Limits from "../../domain/Limits.ts"
import { PeerIp } from "../../domain/peer/PeerIp.ts"
import { PinTable } from "../../domain/peer/PinTable.ts"
import { PeerPins } from "../../services/PeerPins.ts"
import * as DataDir from "./DataDir.ts"
import { pinning } from "./pinning.ts"
import type { FileError } from "./PlainFiles.ts"
import { PlainFiles } from "./PlainFiles.ts"
import { setAside } from "./setAside.ts"

const Content = Schema.fromJsonString(Schema.Struct({
  version: Schema.Literal(1),
  pins: Schema.Array(Schema.Struct({
    ip: PeerIp,
    key: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)),
    since: Schema.Finite,
    seenAt: Schema.Finite
  }))
}))

const load = Effect.fnUntraced(function*(files: PlainFiles, path: string): Effect.fn.Return<PinTable, FileError> {
  const text = yield* files.read(path)
  if (Option.isNone(text)) return new PinTable()
  const content = yield* Effect.option(Schema.decodeEffect(Content)(text.value))
  if (Option.isNone(content)) {
    const aside = yield* setAside(files, path)
    yield* Effect.logWarning(
      `${path} is damaged (not the JSON that timemesh writes); kept as ${aside}. Every peer is met for the first time again`
    )
    return new PinTable()
  }
  return new PinTable(content.value.pins.map(({ ip, ...pin }) => [ip, pin] as const))
})

const textOf = (pins: PinTable): string =>
  `${
    JSON.stringify(
      { version: 1, pins: [...pins.entries()].map(([ip, { key, seenAt, since }]) => ({ ip, key, since, seenAt })) },
      undefined,
      2
    )
  }\n`

const make = (directory: string): Effect.Effect<PeerPins["Service"], DataDir.DataDirError, Scope.Scope> =>
  Effect.gen(function*() {
    const files = yield* PlainFiles
    const path = `${directory}/pins.json`
    const pins = yield* load(files, path).pipe(
      Effect.mapError((error) => DataDir.inside(directory, error))
    )
    const changed = yield* Queue.sliding<void>(1)
    const service = yield* pinning(pins, () => Queue.offerUnsafe(changed, undefined))
    let saved = pins.revision
    const save = Effect.suspend(() => {
      const now = pins.revision
      if (now === saved) return Effect.void
      return files.replace(path, textOf(pins)).pipe(
        Effect.map(() => {
          saved = now
        }),
        Effect.catch((error) => Effect.logWarning(`${error.message}; peers met now are not known after a restart`))
      )
    })
    yield* Effect.addFinalizer(() => save)
    yield* Effect.forkScoped(
      Effect.forever(
        Effect.andThen(Queue.take(changed), Effect.andThen(save, Effect.sleep(Limits.pinsEveryMs)))
      )
    )
    return service
  })

/** `directory` must exist. Fails when the file cannot be read: without its pins a node would trust any key. */
export const layer = (directory: string): Layer.Layer<PeerPins, DataDir.DataDirError> =>
  Layer.effect(PeerPins, make(directory))
