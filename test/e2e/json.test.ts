/** `--json` of every command, and the admin API: one style for results, and errors as JSON too. */
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { call, e2e, start } from "./program.ts"

/** Fields that are null, and times that are not whole ms. */
const faults = (value: unknown, path = ""): ReadonlyArray<string> => {
  if (Array.isArray(value)) return value.flatMap((item, i) => faults(item, `${path}[${i}]`))
  if (typeof value !== "object" || value === null) return []
  const found: Array<string> = []
  for (const [key, field] of Object.entries(value)) {
    const at = `${path}.${key}`
    if (field === null) found.push(`${at} is null`)
    if (typeof field === "number" && /(?:^at|At|Ms)$/.test(key) && !Number.isInteger(field)) {
      found.push(`${at} is ${field}`)
    }
    found.push(...faults(field, at))
  }
  return found
}

const assertStyle = (text: string): ReadonlyArray<unknown> => {
  const values = text.trim().split("\n").map((line): unknown => JSON.parse(line))
  for (const value of values) assert.deepStrictEqual(faults(value), [])
  return values
}

describe("--json", () => {
  e2e("of every command is JSON in one style, whether it succeeds or fails", (directory) =>
    Effect.gen(function*() {
      const node = yield* start([
        "run",
        "--network=devnet",
        "--listen=127.78.0.1:0",
        `--data-dir=${directory}/node`,
        "--log-format=pretty",
        "--admin=127.78.0.1:24299",
        "--peer=127.78.0.2",
        "--peer=[2001:db8::7]:24200"
      ])
      yield* node.line(/admin API on/)
      const [file, chain] = [`${directory}/made`, ["--network", "devnet", "--data-dir", `${directory}/chain`]]
      const asked = ["--admin", "127.78.0.1:24299"]
      const made = ["--blocks", "40", "--leader", "127.0.0.1", "--address", "TIME0x", "--network", "devnet"]
      const good: ReadonlyArray<ReadonlyArray<string>> = [
        ["status", ...asked],
        ["peers", ...asked],
        ["why", "127.78.0.2", ...asked],
        ["why", "2001:db8::7", ...asked],
        ["why", "203.0.113.99", ...asked],
        ["why", "127.78.0.1", ...asked],
        ["show", "resources", ...asked],
        ["chain", "make", ...made, "--out", file],
        ["chain", "import", file, ...chain],
        ["chain", "info", ...chain],
        ["chain", "verify", ...chain],
        ["chain", "export", "--out", `${directory}/out`, ...chain],
        ["chain", "rewind", "20", ...chain],
        ["simulate", "--nodes", "3", "--hours", "0.01", "--seed", "1"],
        ["testnet", "--nodes", "2", "--seconds", "20", "--port", "24690", "--dir", `${directory}/net`]
      ]
      for (const args of good) {
        const { code, stderr, stdout } = yield* call([...args, "--json"])
        assert.strictEqual(code, 0, `${args.join(" ")}: ${stdout}${stderr}`)
        assert.strictEqual(assertStyle(stdout).length, 1, args.join(" "))
      }
      const nowhere = ["--data-dir", `${directory}/nowhere`]
      const bad: ReadonlyArray<readonly [args: ReadonlyArray<string>, code: number]> = [
        [["status", ...nowhere], 1],
        [["peers", "--admin", "nowhere"], 2],
        [["why", "1.2.3", ...asked], 2],
        [["why", ...asked], 2],
        [["peers", "--no-such-flag"], 2],
        [["testnet", "--nodes", "1"], 2],
        [["simulate", "--nodes", "x"], 2],
        [["chain", "info", ...nowhere], 1],
        [["chain", "verify", ...nowhere], 1],
        [["chain", "rewind", "1", ...nowhere], 1],
        [["chain", "export", "--out", file, ...nowhere], 1],
        [["chain", "import", `${directory}/no-such-file`, ...chain], 2],
        [["chain", "make", ...made.slice(0, -1), "mainnet", "--out", file], 2],
        [["run"], 78],
        [["no-such-command"], 2],
        [["trace", "203.0.113.99", ...asked], 1]
      ]
      for (const [args, code] of bad) {
        const failed = yield* call([...args, "--json"])
        const told = failed.stdout + failed.stderr
        assert.strictEqual(failed.code, code, `${args.join(" ")}: ${told}`)
        const [{ error }] = assertStyle(failed.stdout) as [{ error: { message: string; exitCode: number } }]
        assert.isAbove(error.message.length, 10, told)
        assert.strictEqual(error.exitCode, code, told)
        assert.strictEqual(failed.stderr, "", args.join(" "))
      }
      // One that fails after its result: that is on standard output, and the error on standard error.
      const foreign = yield* call([
        "chain",
        "import",
        file,
        "--data-dir",
        `${directory}/chain`,
        "--network",
        "testnet",
        "--json"
      ])
      assert.strictEqual(foreign.code === 0, false)
      for (const text of [foreign.stdout, foreign.stderr]) if (text !== "") assertStyle(text)
      yield* node.signal("SIGTERM")
    }))
})
