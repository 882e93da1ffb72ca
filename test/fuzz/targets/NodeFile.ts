/**
 * `node.json`, which tells commands where a node answers: exactly what was written comes back, no file is none, and any other
 * text is an error that names the file and the fix. An input is the file.
 */
import { Cause, Effect, Exit, Option } from "effect"
import * as DataDir from "../../../src/layers/store/DataDir.ts"
import * as PlainFiles from "../../../src/layers/store/PlainFiles.ts"
import { randomFrom } from "../../harness/random.ts"
import * as Mutator from "../Mutator.ts"
import { ensure, same, show, type Target, utf8 } from "../Target.ts"

const toText = new TextDecoder()
const file = "/data/node.json"

const read = (text: string | undefined) =>
  Effect.runSyncExit(
    DataDir.read("/data").pipe(
      Effect.provideService(PlainFiles.PlainFiles, {
        exists: (name) => Effect.succeed(name === file && text !== undefined),
        read: (name) => Effect.succeed(name === file ? Option.fromUndefinedOr(text) : Option.none()),
        rename: () => Effect.die(new Error("nothing is renamed")),
        replace: () => Effect.die(new Error("nothing is written"))
      })
    )
  )

/** What the text says, read in the plainest way; `undefined`: it is not what a node writes. */
const plainly = (text: string): DataDir.NodeFile | undefined => {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) return undefined
  const { admin, listen, network, pid, software, startedAt } = content as Record<string, unknown>
  if (!Number.isSafeInteger(pid) || !Number.isFinite(startedAt)) return undefined
  if (![listen, network, software].every((field) => typeof field === "string")) return undefined
  if (admin !== undefined && admin !== null && typeof admin !== "string") return undefined
  return {
    pid,
    network,
    listen,
    ...(admin === undefined ? {} : { admin }),
    software,
    startedAt
  } as DataDir.NodeFile
}

const good = {
  pid: 4_711,
  network: "devnet",
  listen: "127.0.0.1:24200",
  admin: "127.0.0.1:24201",
  software: "timemesh/0.1.0",
  startedAt: 1_764_400_000_000
}

const odd: ReadonlyArray<unknown> = [null, 1.5, -1, 2 ** 53, 1e300, "1", [], {}, true]

const text = (random: Mutator.Random): string => {
  const field = Mutator.pick(random, Object.keys(good)) ?? "pid"
  const value = random(8) === 0
    ? Object.fromEntries(Object.entries(good).filter(([name]) => name !== field))
    : random(3) === 0
    ? { ...good, [field]: Mutator.pick(random, odd) }
    : random(4) === 0
    ? good
    : Mutator.value(good, random)
  return `${JSON.stringify(value, undefined, random(2) * 2)}${random(2) === 0 ? "\n" : ""}`
}

export const target: Target = {
  name: "nodefile",
  about: "node.json of a data directory: what a node wrote comes back, anything else is an error that says so",
  unit: "a file",
  suffix: "txt",
  mostBytes: 4 * 1024,
  tokens: [
    ..."{ } [ ] , : null true 1 -1 1.5 1e999 9007199254740992 \"\" \"pid\" \"__proto__\" \\ud800 \ufeff".split(" "),
    "\u0000"
  ]
    .map(utf8),
  seeds: (seed) => {
    const random = randomFrom(seed)
    return Array.from({ length: 40 }, () => utf8(text(random)))
  },
  mutate: (_, random) => random(2) === 0 ? utf8(text(random)) : undefined,
  run: (input) => {
    const none = read(undefined)
    ensure(Exit.isSuccess(none) && Option.isNone(none.value), "no file is something")
    const said = toText.decode(input)
    const exit = read(said)
    const expected = plainly(said)
    if (Exit.isSuccess(exit)) {
      ensure(Option.isSome(exit.value), "a file is nothing")
      ensure(same(exit.value.value, expected), () => `reads ${show(exit.value)} of ${show(expected)}`)
      return 1
    }
    ensure(expected === undefined, () => `refuses ${show(expected)}`)
    const error = Cause.findErrorOption(exit.cause)
    ensure(Option.isSome(error), () => `a defect: ${String(exit.cause)}`)
    ensure(error.value.message.startsWith(file) && error.value.message.includes("--admin"), () => error.value.message)
    return 1
  }
}
