/**
 * The stored peers file: what can be read of it is used, in order and bounded; a file that is damaged at any place is kept
 * beside as it was; what is saved comes back. An input is the file.
 */
import { Effect, Exit, Layer, Logger, Option, Result } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as PeerStoreFile from "../../../src/layers/store/PeerStoreFile.ts"
import * as PlainFiles from "../../../src/layers/store/PlainFiles.ts"
import { PeerStore } from "../../../src/services/PeerStore.ts"
import { randomFrom } from "../../harness/random.ts"
import * as Mutator from "../Mutator.ts"
import { ensure, same, sameBytes, show, type Target, utf8 } from "../Target.ts"

const path = "/data/peers.json"
const toText = new TextDecoder()

/** A directory in memory: the files of the run that is going on. */
let files = new Map<string, Uint8Array>()

const memory: PlainFiles.PlainFiles = {
  exists: (name) => Effect.sync(() => files.has(name)),
  read: (name) =>
    Effect.sync(() => Option.map(Option.fromUndefinedOr(files.get(name)), (bytes) => toText.decode(bytes))),
  rename: (from, to) =>
    Effect.suspend(() => {
      const bytes = files.get(from)
      if (bytes === undefined) return Effect.fail(new PlainFiles.FileError({ file: from, detail: "is missing" }))
      files.delete(from)
      files.set(to, bytes)
      return Effect.void
    }),
  replace: (name, text) => Effect.sync(() => void files.set(name, utf8(text)))
}

const store = await Effect.runPromise(
  Effect.service(PeerStore).pipe(
    Effect.provide(Layer.provide(PeerStoreFile.layer("/data"), Layer.succeed(PlainFiles.PlainFiles, memory)))
  )
)

/** Warnings of thousands of damaged files are of no use. */
const silent = Effect.provideService(Logger.CurrentLoggers, new Set())

const load = (): ReadonlyArray<PeerAddress.PeerAddress> => {
  const exit = Effect.runSyncExit(silent(store.load))
  ensure(Exit.isSuccess(exit), () => `load fails: ${show(exit)}`)
  return exit.value
}

/** What the file says, read in the plainest way; `undefined`: it is no such file. */
const plainly = (bytes: Uint8Array): ReadonlyArray<string> | undefined => {
  try {
    const content: unknown = JSON.parse(toText.decode(bytes))
    if (typeof content !== "object" || content === null || Array.isArray(content)) return undefined
    if (!("version" in content) || content.version !== 1 || !("peers" in content)) return undefined
    const { peers } = content
    return Array.isArray(peers) && peers.every((item) => typeof item === "string") ? peers : undefined
  } catch {
    return undefined
  }
}

const addresses = [
  ..."203.0.113.7:24100 10.0.0.1:1 [2001:db8::7]:65535 [::ffff:10.0.0.1]:5 10.0.0.1 10.0.0.1:0 10.0.0.1:65536".split(
    " "
  ),
  ..."::1 [::1]:24100 fe80::1%eth0 [fe80::1%eth0]:5 0.0.0.0:1 255.255.255.255:9 256.0.0.1:1 010.0.0.1:1 x é \u0000"
    .split(" "),
  ..."[10.0.0.1]:5 10.0.0.1:00005 :5 [] []:5 [::]:5 ::ffff:1.2.3.4 1.2.3.4:5:6".split(" ")
]

const text = (random: Mutator.Random): string => {
  const count = random(40) === 0 ? 250 + random(20) : random(6)
  const peers = Array.from(
    { length: count },
    (_, i) =>
      random(count > 100 ? 500 : 3) === 0
        ? Mutator.pick(random, addresses)
        : `10.${random(3)}.${i % 256}.${random(256)}:${1 + random(65_535)}`
  )
  return JSON.stringify({ version: random(20) === 0 ? 2 : 1, peers }, undefined, random(2) * 2)
}

export const target: Target = {
  name: "peerfile",
  about:
    "the stored peers file: good addresses kept in order, a damaged file set aside as it was, saved ones come back",
  unit: "a file",
  suffix: "txt",
  mostBytes: 12 * 1024,
  tokens: [
    ...addresses.map((address) => `"${address}"`),
    ..."{ } [ ] , : \" \"version\" \"peers\" 1 1.0 1e0 null true \"__proto__\" \\u0031 \\ud800 \ufeff".split(" ")
  ].map(utf8),
  seeds: (seed) => {
    const random = randomFrom(seed)
    return Array.from({ length: 60 }, () => utf8(text(random)))
  },
  mutate: (_, random) => random(2) === 0 ? utf8(text(random)) : undefined,
  run: (input) => {
    files = new Map([[path, input]])
    const found = load()
    const said = plainly(input)
    const read = (said ?? []).map((line) => PeerAddress.fromString(line, 0))
    const good = read.flatMap((address) => Result.isSuccess(address) ? [address.success] : [])
    ensure(same(found, good.slice(0, Limits.storedPeers)), () => `reads ${show(found)} of ${show(good)}`)
    const isDamaged = said === undefined || read.some(Result.isFailure)
    const aside = files.get(`${path}.bad`)
    ensure(files.has(path) !== isDamaged, () => isDamaged ? "a damaged file stays" : "a good file is set aside")
    ensure(isDamaged === (aside !== undefined), "what is set aside is not what was damaged")
    ensure(aside === undefined || sameBytes(aside, input), "the file set aside is not the one that was there")
    const exit = Effect.runSyncExit(store.save(found))
    ensure(Exit.isSuccess(exit), () => `save fails: ${show(exit)}`)
    ensure(same(load(), found), () => `saved ${show(found)}, and something else comes back`)
    ensure(files.size <= 2, () => `files left: ${[...files.keys()].join(" ")}`)
    return 1
  }
}
