/** The peer book as operators move it: `peers import` and `peers export`. */
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { call, e2e, start } from "./program.ts"

const forms = {
  lines: "203.0.113.7\n203.0.113.7:51234\n[2001:db8::7]:5000\nrubbish\n",
  array: "[\"203.0.113.7\", \"203.0.113.7:51234\", \"[2001:db8::7]:5000\",\n \"rubbish\"]",
  objects:
    "[{\"address\": \"203.0.113.7:51234\"}, {\"address\": \"203.0.113.7\"}, {\"address\": \"[2001:db8::7]:5000\"},\n {\"address\": \"rubbish\"}]"
}

describe("peers", () => {
  e2e(
    "import reads each form, once and again; export writes what import reads",
    (directory, fs) =>
      Effect.gen(function*() {
        for (const [form, text] of Object.entries(forms)) {
          const at = ["--network", "devnet", "--data-dir", `${directory}/${form}`]
          const file = `${directory}/${form}.txt`
          yield* fs.writeFileString(file, text)
          const first = yield* call(["peers", "import", file, "--json", ...at])
          assert.strictEqual(first.code, 0, first.stderr)
          const { refused, ...counts } = JSON.parse(first.stdout)
          assert.deepStrictEqual(counts, { read: 4, merged: 1, kept: 2 }, form)
          assert.deepStrictEqual(refused, [{
            line: form === "lines" ? 4 : 2,
            text: "rubbish",
            reason: "write it as 203.0.113.7 or 2001:db8::7"
          }])
          const again = yield* call(["peers", "import", file, "--json", ...at])
          assert.strictEqual(again.stdout, first.stdout, "the same once more")
          const exported = yield* call(["peers", "export", ...at])
          assert.strictEqual(exported.stdout, "203.0.113.7:24200\n[2001:db8::7]:5000\n", form)
          const json = yield* call(["peers", "export", "--json", ...at])
          for (const [name, list] of [["plain", exported.stdout], ["json", json.stdout]] as const) {
            const other = ["--network", "devnet", "--data-dir", `${directory}/${form}-${name}`]
            yield* fs.writeFileString(file, list)
            const back = yield* call(["peers", "import", file, "--json", ...other])
            assert.deepStrictEqual(JSON.parse(back.stdout), { read: 2, merged: 0, kept: 2, refused: [] })
            assert.strictEqual((yield* call(["peers", "export", ...other])).stdout, exported.stdout)
          }
        }
      })
  )

  e2e("import of 100,000 entries of 25,000 nodes", (directory, fs) =>
    Effect.gen(function*() {
      const file = `${directory}/many.txt`
      const at = ["--network", "devnet", "--data-dir", `${directory}/many`]
      const lines = Array.from({ length: 100_000 }, (_, i) => {
        const node = i % 25_000
        return `${20 + (node >> 12)}.${(node >> 4) & 255}.7.${node & 15}:${i < 25_000 ? 24_200 : 33_000 + (i % 9_000)}`
      })
      yield* fs.writeFileString(file, lines.join("\n"))
      const { code, stdout } = yield* call(["peers", "import", file, "--json", ...at])
      assert.strictEqual(code, 0)
      const { kept, merged, read, refused } = JSON.parse(stdout)
      assert.deepStrictEqual({ kept, merged, read, refused }, {
        kept: 25_000,
        merged: 75_000,
        read: 100_000,
        refused: []
      })
      const exported = (yield* call(["peers", "export", ...at])).stdout.trim().split("\n")
      assert.strictEqual(exported.length, 25_000)
      assert.isTrue(exported.every((line) => line.endsWith(":24200")))
    }))

  e2e("a running node's book is left alone, and a missing file is an error", (directory) =>
    Effect.gen(function*() {
      const data = `${directory}/node`
      const node = yield* start([
        "run",
        "--network=devnet",
        "--listen=127.77.0.9:0",
        `--data-dir=${data}`,
        "--log-format=pretty"
      ])
      yield* node.line(/admin API on|ERROR/)
      const { code, stderr } = yield* call(["peers", "import", "/dev/null", "--network", "devnet", "--data-dir", data])
      assert.strictEqual(code, 2)
      assert.include(stderr, "in use by another timemesh process")
      const missing = yield* call([
        "peers",
        "import",
        `${directory}/missing`,
        "--network",
        "devnet",
        "--data-dir",
        `${directory}/x`
      ])
      assert.strictEqual(missing.code, 2)
      assert.include(missing.stderr, "cannot be read")
    }))
})
