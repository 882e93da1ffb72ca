/** The Debian package: what it installs, under which rights, and that its parts name one another. */
import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { gunzipSync } from "node:zlib"
import { build } from "../../scripts/deb/main.ts"
import { scripts, settings } from "../../scripts/deb/texts.ts"
import { manual } from "../../scripts/ops/main.ts"
import * as Settings from "../../src/layers/config/Settings.ts"

const has = (program: string) => spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0
const unit = fs.readFileSync(fileURLToPath(new URL("../../ops/timemesh.service", import.meta.url)), "utf8")

/** Builds it around a program that says how it was called, unpacks it, and hands over both. */
const withPackage = (body: (file: string, root: string) => void) => {
  const scratch = fs.mkdtempSync(path.join(tmpdir(), "timemesh-deb-test-"))
  try {
    const program = path.join(scratch, "dist")
    fs.mkdirSync(path.join(program, "command"), { recursive: true })
    fs.mkdirSync(path.join(program, "web"))
    for (const name of ["bin.js", "main.js", "command/main.js", "web/app.js"]) {
      fs.writeFileSync(path.join(program, name), "")
    }
    const node = path.join(scratch, "node")
    fs.writeFileSync(node, "#!/bin/sh\necho \"$@\"\n", { mode: 0o755 })
    const file = build({ node, program, into: scratch, version: "1.2.3", compression: "none" })
    const root = path.join(scratch, "root")
    execFileSync("dpkg-deb", ["-x", file, root])
    body(file, root)
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true })
  }
}

describe("the Debian package", () => {
  it("runs the program with its own Node wherever it is unpacked, and keeps what an operator wrote", (context) => {
    if (!has("dpkg-deb")) return context.skip("dpkg-deb is not installed")
    withPackage((file, root) => {
      const called = execFileSync(`${root}/usr/bin/timemesh`, ["peers", "--json", "a b"], { encoding: "utf8" })
      assert.strictEqual(called, `${root}/usr/bin/../lib/timemesh/bin.js peers --json a b\n`)

      const listed = execFileSync("dpkg-deb", ["-c", file], { encoding: "utf8" }).trim().split("\n")
      assert.deepStrictEqual(listed.filter((line) => !line.includes(" root/root ")), [])
      const modes = new Map(listed.map((line) => [line.split(" ./")[1] ?? "", line.slice(0, 10)]))
      assert.strictEqual(modes.get("usr/bin/timemesh"), "-rwxr-xr-x")
      assert.strictEqual(modes.get("etc/timemesh/timemesh.env"), "-rw-r-----")
      assert.deepStrictEqual(
        [...modes].filter(([, mode]) => /w.$|s/.test(mode)),
        [],
        "none may change it, none runs as root"
      )

      const told = execFileSync("dpkg-deb", ["-I", file, "control"], { encoding: "utf8" })
      assert.match(told, /^Package: timemesh\nVersion: 1\.2\.3\nArchitecture: \w+\n/)
      assert.strictEqual(
        execFileSync("dpkg-deb", ["-I", file, "conffiles"], { encoding: "utf8" }),
        "/etc/timemesh/timemesh.env\n"
      )

      const page = gunzipSync(fs.readFileSync(`${root}/usr/share/man/man1/timemesh.1.gz`))
      assert.strictEqual(page.toString(), fs.readFileSync(manual, "utf8"))

      // The parts name one another: program, settings, user and directory of the unit are what the package brings.
      const [, started = ""] = /^ExecStart=(\S+)/m.exec(unit) ?? []
      assert.isTrue(fs.existsSync(`${root}${started}`), started)
      const [, environment = ""] = /^EnvironmentFile=-(\S+)/m.exec(unit) ?? []
      assert.isTrue(fs.existsSync(`${root}${environment}`), environment)
      const [, user = ""] = /^User=(\S+)/m.exec(unit) ?? []
      assert.match(fs.readFileSync(`${root}/usr/lib/sysusers.d/timemesh.conf`, "utf8"), new RegExp(`^u ${user} `))
      assert.match(
        fs.readFileSync(`${root}/usr/lib/tmpfiles.d/timemesh.conf`, "utf8"),
        new RegExp(`^d /var/lib/timemesh 0700 ${user} ${user} -$`, "m")
      )
    })
  })

  it("has scripts that a shell reads, and settings that the node knows", () => {
    for (const [name, text] of Object.entries(scripts)) {
      assert.deepStrictEqual(spawnSync("sh", ["-n"], { input: text, encoding: "utf8" }).stderr, "", name)
    }
    const named = [...settings.matchAll(/^#TIMEMESH_([A-Z_]+)=/gm)].map(([, name = ""]) => name)
    assert.isAbove(named.length, 3)
    const known = new Set(Object.values(Settings.general).map(({ name }) => name.replaceAll("-", "_").toUpperCase()))
    for (const name of named) assert.isTrue(known.has(name), name)
  })
})
