/** A node that may open few files: it takes fewer peers, so that strangers cannot shut it off from its operator and its other peers. */
import { assert, describe } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { e2e, main } from "./program.ts"

const run = (directory: string, openFiles: number, ...args: ReadonlyArray<string>) => {
  const node = [
    process.execPath,
    main,
    "run",
    "--with-parent",
    "--network=devnet",
    "--listen=127.77.0.1:0",
    "--admin=127.77.0.1:0",
    "--seed=none",
    "--log-format=json",
    `--data-dir=${directory}`,
    ...args
  ]
  const limited = `ulimit -n ${openFiles} && exec ${node.map((word) => `'${word}'`).join(" ")}`
  return ChildProcess.make("sh", ["-c", limited], { extendEnv: true, forceKillAfter: 6_000 })
}

/** The lines of the log up to the one that says where the admin API is. */
const start = Effect.fnUntraced(function*(...given: Parameters<typeof run>) {
  const child = yield* run(...given)
  const lines = yield* child.all.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.takeUntil((line) => line.includes("admin API on ")),
    Stream.runCollect
  )
  const [, admin = ""] = /admin API on (http:[^"]+)"/.exec(lines.at(-1) ?? "") ?? []
  return { admin, warnings: lines.filter((line) => line.includes("\"WARN\"") && line.includes("peer limit")) }
})

const limitOf = (admin: string) =>
  Effect.promise(async () => {
    const settings: unknown = await (await fetch(`${admin}/settings`)).json()
    return JSON.stringify(settings)
  })

describe("a node that may open few files", () => {
  e2e("lowers its peer limit, says so, and shows the limit in effect", (directory) =>
    Effect.gen(function*() {
      const { admin, warnings } = yield* start(directory, 128)
      assert.lengthOf(warnings, 1)
      assert.include(warnings[0], "peer limit lowered from 125 to 32: 128 open files are allowed; raise the limit")
      const settings = yield* limitOf(admin)
      assert.match(settings, /"max-peers"[^}]*"32"|"32"[^}]*"max-peers"/)
    }))

  e2e("keeps a limit that the files carry", (directory) =>
    Effect.gen(function*() {
      const { warnings } = yield* start(directory, 128, "--max-peers", "30")
      assert.lengthOf(warnings, 0)
    }))
})
