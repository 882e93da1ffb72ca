/** `timemesh chain`, and chains of running nodes, as an operator meets them. */
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { DatabaseSync } from "node:sqlite"
import { call, e2e, start } from "./program.ts"

const chain = (...args: ReadonlyArray<string>) => call(["chain", ...args])

/** The one JSON object on standard output, after the exit code was as expected. */
const json = (code: number, ...args: ReadonlyArray<string>) =>
  Effect.map(chain(...args, "--json"), (result) => {
    assert.strictEqual(result.code, code, `${args.join(" ")}: ${result.stderr}`)
    return JSON.parse(result.stdout)
  })

const make = (out: string, blocks: number, network = "devnet") =>
  json(
    0,
    "make",
    "--blocks",
    `${blocks}`,
    "--leader",
    "192.0.2.9",
    "--address",
    "TIME0x",
    "--out",
    out,
    "--network",
    network
  )

const harm = (filename: string, sql: string) =>
  Effect.sync(() => {
    const database = new DatabaseSync(filename)
    database.exec(sql)
    database.close()
  })

describe("timemesh chain", () => {
  e2e("make, import, info, verify, export, rewind", (directory, fs) =>
    Effect.gen(function*() {
      const [file, dir] = [`${directory}/blocks`, `${directory}/data`]
      const made = yield* make(file, 300)
      assert.deepStrictEqual([made.network, made.height, made.size], [
        "devnet",
        300,
        Number((yield* fs.stat(file)).size)
      ])
      const imported = yield* json(0, "import", file, "--data-dir", dir, "--network", "devnet")
      assert.deepStrictEqual([imported.added, imported.height, imported.hash], [300, 300, made.hash])
      // The database knows whose chain it holds.
      const info = yield* json(0, "info", "--data-dir", dir)
      assert.deepStrictEqual([info.network, info.height, info.hash], ["devnet", 300, made.hash])
      assert.isAbove(info.size, made.size)
      const verified = yield* json(0, "verify", "--data-dir", dir)
      assert.deepStrictEqual([verified.ok, verified.blocks, verified.height], [true, 301, 300])
      const out = `${directory}/out`
      const exported = yield* json(0, "export", "--out", out, "--data-dir", dir)
      assert.deepStrictEqual([exported.from, exported.to, exported.hash], [1, 300, made.hash])
      assert.isTrue(Buffer.from(yield* fs.readFile(out)).equals(Buffer.from(yield* fs.readFile(file))))
      const part = yield* json(0, "export", "--out", out, "--from", "101", "--to", "120", "--data-dir", dir)
      assert.deepStrictEqual([part.blocks, part.to], [20, 120])
      const rewound = yield* json(0, "rewind", "100", "--file", `${dir}/chain.db`)
      assert.deepStrictEqual([rewound.height, rewound.removed, rewound.aside], [100, 200, undefined])
      assert.strictEqual((yield* json(0, "import", out, "--data-dir", dir)).height, 120)
    }))

  e2e("what cannot be done says why", (directory, fs) =>
    Effect.gen(function*() {
      const [file, dir] = [`${directory}/blocks`, `${directory}/data`]
      yield* make(file, 20)
      yield* json(0, "import", file, "--data-dir", dir, "--network", "devnet")
      const future = ["make", "--blocks", "99999999", "--leader", "a", "--address", "b", "--out", `${directory}/no`]
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, number, RegExp]> = [
        [future, 2, /block 99999999 of testnet is in the future; the greatest height now is \d+/],
        [[...future, "--network", "mainnet"], 2, /no chain is made for mainnet/],
        [["info", "--data-dir", `${directory}/none`], 1, /there is no chain at .*none\/chain\.db/],
        [["import", `${directory}/none`, "--data-dir", dir], 2, /cannot be read: no such file or directory/],
        [
          ["import", file, "--data-dir", `${directory}/t`],
          1,
          /the file holds the devnet chain, not testnet's; use --network devnet/
        ],
        [
          ["info", "--data-dir", dir, "--network", "mainnet"],
          2,
          /does not hold the mainnet chain \(found: devnet\)/
        ],
        [["verify", "--data-dir", dir, "--network", "mainnet"], 2, /holds the devnet chain, not mainnet's/],
        [["rewind", "21", "--data-dir", dir], 2, /there is no height 21: the chain has 0 to 20/],
        [
          ["export", "--out", `${directory}/x`, "--from", "9", "--to", "99", "--data-dir", dir],
          2,
          /the chain has 0 to 20/
        ]
      ]
      for (const [args, code, text] of cases) {
        const result = yield* chain(...args)
        assert.match(result.stderr, text, args.join(" "))
        assert.strictEqual(result.code, code, args.join(" "))
      }
      // A file that belongs elsewhere leaves no database of the wrong network behind.
      assert.isFalse(yield* fs.exists(`${directory}/t/chain.db`))
      const bytes = yield* fs.readFile(file)
      yield* fs.writeFile(file, bytes.subarray(0, bytes.length - 100))
      const cut = yield* json(1, "import", file, "--data-dir", `${directory}/cut`, "--network", "devnet")
      assert.deepStrictEqual([cut.added, cut.error.height], [19, 20])
      assert.strictEqual((yield* json(0, "verify", "--data-dir", `${directory}/cut`)).height, 19)
    }))

  e2e(
    "a damaged chain: run and verify name the command that repairs it, and it does",
    (directory, fs) =>
      Effect.gen(function*() {
        const [file, dir] = [`${directory}/blocks`, `${directory}/data`]
        yield* make(file, 50)
        yield* json(0, "import", file, "--data-dir", dir, "--network", "devnet")
        yield* harm(`${dir}/chain.db`, "UPDATE chain_block SET bytes = x'00' WHERE height = 31")
        const verified = yield* json(1, "verify", "--data-dir", dir)
        assert.deepStrictEqual(
          [verified.ok, verified.height, verified.bad.height, verified.repair],
          [false, 30, 31, "timemesh chain rewind 30"]
        )
        assert.strictEqual((yield* json(0, "rewind", "30", "--data-dir", dir)).height, 30)
        assert.strictEqual((yield* json(0, "verify", "--data-dir", dir)).height, 30)

        yield* harm(`${dir}/chain.db`, "DELETE FROM chain_header WHERE height = 20")
        const run = yield* call(["run", "--network", "devnet", "--listen", "127.77.9.1:0", "--data-dir", dir])
        assert.strictEqual(run.code, 78)
        assert.match(
          run.stderr,
          /data\/chain\.db is damaged: .*`timemesh chain verify`.*`timemesh chain rewind HEIGHT`/
        )
        assert.strictEqual((yield* json(1, "verify", "--data-dir", dir)).height, 19)
        const repaired = yield* json(0, "rewind", "19", "--data-dir", dir)
        assert.deepStrictEqual([repaired.height, repaired.aside], [19, `${dir}/chain.db.damaged`])
        assert.isTrue(yield* fs.exists(repaired.aside))
        assert.strictEqual((yield* json(0, "verify", "--data-dir", dir)).height, 19)
      })
  )

  e2e(
    "a running node locks its chain, reports it, and produces on devnet only",
    (directory) =>
      Effect.gen(function*() {
        const [file, dir] = [`${directory}/blocks`, `${directory}/data`]
        yield* make(file, 10)
        yield* json(0, "import", file, "--data-dir", dir, "--network", "devnet")
        const args = ["run", "--listen", "127.77.9.2:0", "--data-dir", dir, "--log-level", "debug"]
        const testnet = yield* call([...args, "--network", "testnet", "--produce"])
        assert.strictEqual(testnet.code, 78)
        assert.match(testnet.stderr, /--produce is a test producer, not consensus/)
        const other = yield* call([...args, "--network", "testnet"])
        assert.strictEqual(other.code, 78)
        assert.match(other.stderr, /does not hold the testnet chain \(found: devnet\)/)

        const node = yield* start([...args, "--network", "devnet", "--produce"])
        yield* node.line(/height 11 \(1 new/)
        const locked = yield* chain("info", "--data-dir", dir)
        assert.strictEqual(locked.code, 2)
        assert.match(locked.stderr, /in use by another timemesh process/)
        const status = yield* call(["status", "--data-dir", dir, "--json"])
        const told = JSON.parse(status.stdout).chain
        assert.isAtLeast(told.height, 11)
        assert.deepStrictEqual([told.reorgs, told.peers], [0, []])
        assert.match((yield* call(["status", "--data-dir", dir])).stdout, /^chain +height \d+, 0 peers/m)
        yield* node.signal("SIGTERM")
        assert.strictEqual(yield* node.exitCode, 0)
        assert.strictEqual((yield* json(0, "verify", "--data-dir", dir)).ok, true)
      })
  )
})

describe("timemesh testnet with a chain", () => {
  const verdictOf = (result: { readonly stdout: string }) => JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "")

  e2e("everybody gets the first node's blocks, and says from whom", (directory) =>
    Effect.gen(function*() {
      const args = ["testnet", "--nodes", "3", "--chain", "500", "--seconds", "20", "--port", "24670", "--json"]
      const result = yield* call([...args, "--dir", directory])
      const verdict = verdictOf(result)
      assert.deepStrictEqual(verdict.problems, [], result.stderr)
      assert.strictEqual(result.code, 0)
      assert.deepStrictEqual(verdict.heights, [500, 500, 500])
      assert.strictEqual(new Set(verdict.tips).size, 1)
      const { blocks, blocksPerSecond, seconds, sources } = verdict.sync
      assert.strictEqual(blocks, 500)
      assert.approximately(blocksPerSecond, 500 / seconds, 1)
      assert.deepStrictEqual(sources["127.0.0.1"], {})
      for (const ip of ["127.0.0.2", "127.0.0.3"]) {
        assert.strictEqual(Object.values<number>(sources[ip]).reduce((a, b) => a + b, 0), 500)
      }
      assert.strictEqual((yield* json(0, "verify", "--data-dir", `${directory}/node-3`)).height, 500)
    }))

  e2e("producers in two halves make forks, and agree when they meet", (directory) =>
    Effect.gen(function*() {
      const args = ["testnet", "--nodes", "4", "--partition", "12", "--seconds", "30", "--port", "24680", "--json"]
      const result = yield* call([...args, "--dir", directory])
      const verdict = verdictOf(result)
      assert.deepStrictEqual(verdict.problems, [], result.stderr)
      assert.strictEqual(result.code, 0)
      assert.strictEqual(new Set(verdict.tips).size, 1)
      assert.isAtLeast(verdict.heights[0], 8)
      assert.isAtLeast(verdict.reorgs, 1)
      assert.isBelow(verdict.partition.reconnectedMs, 5_000)
      assert.strictEqual(verdict.unexpectedDowns, 0)
    }))
})
