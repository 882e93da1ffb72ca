/** The host's addresses, where the system does not say them. */
import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"

const module = new URL("../../../src/layers/socket/HostAddresses.ts", import.meta.url).href
const root = fileURLToPath(new URL("../../..", import.meta.url))

/** Prints the addresses before and after the last file descriptor is taken. */
const program = `import * as fs from "node:fs"
import * as HostAddresses from ${JSON.stringify(module)}
console.log(JSON.stringify(HostAddresses.read()))
const taken = []
try { for (;;) taken.push(fs.openSync("/dev/null", "r")) } catch {}
const said = String(HostAddresses.read())
for (const file of taken) fs.closeSync(file)
console.log(said)`

const possible = spawnSync("sh", ["-c", "ulimit -n 100"]).status === 0

describe.skipIf(!possible)("HostAddresses", () => {
  it("are unknown while no file descriptor is left, and that throws nothing", () => {
    const line = `ulimit -n 100; exec "$0" --input-type=module -e "$1"`
    const out = execFileSync("sh", ["-c", line, process.execPath, program], { cwd: root }).toString().trim().split("\n")
    assert.include(JSON.parse(out[0] ?? ""), "127.0.0.1")
    assert.strictEqual(out[1], "undefined")
  })
})
