/** `--help` of every command has what an operator types, and the man page has what `--help` has. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Exit, FileSystem, Layer, Option } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"
import { helpOf, paths, root, runLine } from "../../scripts/ops/helpDocs.ts"
import { madeParts, manual, operations } from "../../scripts/ops/main.ts"
import { manPage, text } from "../../scripts/ops/manPage.ts"
import * as ExitCode from "../../src/cli/ExitCode.ts"
import * as ConfigSources from "../../src/layers/config/ConfigSources.ts"
import * as DaemonConfig from "../../src/layers/config/DaemonConfig.ts"
import * as Settings from "../../src/layers/config/Settings.ts"

const helps = paths.map((path) => ({ path, name: path.join(" "), help: helpOf(path) }))
const examples = helps.flatMap(({ help, name, path }) =>
  (help.examples ?? []).map(({ command }) => ({ path, name, command }))
)

/** What a shell makes of the line: variables before the command, and its words up to a redirection. */
const read = (line: string) => {
  const words = [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? "")
  const start = words.findIndex((word) => !/^[A-Z_]+=/.test(word))
  const end = words.findIndex((word) => /^[|>]/.test(word))
  return {
    env: Object.fromEntries(words.slice(0, start).map((word) => word.split("=") as [string, string])),
    words: words.slice(start, end === -1 ? undefined : end)
  }
}

/** Parses as the program does, and runs nothing. */
const parses = (words: ReadonlyArray<string>) => {
  let parsed = 0
  const stub: typeof root = Object.assign(Object.create(Object.getPrototypeOf(root) as object), root, {
    handle: () => Effect.sync(() => void (parsed += 1))
  })
  const exit = Effect.runSyncExit(runLine(words, { present: () => Effect.void }, stub))
  return Exit.isSuccess(exit) && parsed === 1
}

const settingNames: ReadonlySet<string> = new Set([...Settings.all, Settings.configFile].map(({ name }) => name))

/** Flags of the command in that line that are settings, not of a like name: those whose help names a variable. */
const settingsOf = (words: ReadonlyArray<string>): ReadonlyArray<string> =>
  helps.findLast(({ path }) => path.every((word, i) => words[i] === word))?.help.flags.flatMap((
    { description, name }
  ) => Option.getOrElse(description, () => "").includes("[TIMEMESH_") ? [name] : []) ?? []

describe("--help", () => {
  it("of every command describes it and has an example of its own", () => {
    assert.isAbove(paths.length, 30)
    for (const { help, name } of helps) {
      assert.isAbove(help.description.length, 20, name)
      assert.isAtLeast(help.examples?.length ?? 0, 1, `${name} has no example`)
      for (const { command, description } of help.examples ?? []) {
        assert.isAbove(description?.length ?? 0, 5, command)
        if (name !== "timemesh") assert.include(` ${command} `, ` ${name} `.replace("  ", " "))
      }
    }
  })

  it("of every command describes its flags and arguments, and names the variable of each setting", () => {
    for (const { help, name } of helps) {
      for (const { description } of [...help.flags, ...help.args ?? []]) {
        assert.isAbove(Option.getOrElse(description, () => "").length, 5, name)
      }
      // The nodes of a testnet take no settings from the environment, and a simulated one has none.
      if (["timemesh testnet", "timemesh simulate"].includes(name)) continue
      for (const flag of help.flags.filter((flag) => settingNames.has(flag.name))) {
        const says = Option.getOrElse(flag.description, () => "")
        assert.include(says, `[${Settings.environmentName(flag.name)}]`, `${name} --${flag.name}`)
      }
    }
  })

  it("has examples that parse", () => {
    assert.isFalse(parses(["status", "--no-such-flag"]))
    assert.isFalse(parses(["why"]))
    for (const { command } of examples) {
      const [program, ...words] = read(command).words
      assert.strictEqual(program, "timemesh")
      if (words.at(-1) === "--help") assert.include(paths.map((path) => path.slice(1).join(" ")), words[0])
      else assert.isTrue(parses(words), command)
    }
  })

  it.effect("has examples whose settings are valid", () =>
    Effect.forEach(examples, ({ command }) => {
      const { env, words } = read(command)
      const settings = settingsOf(words)
      const flags: Record<string, Array<string>> = {}
      for (const [i, word] of words.entries()) {
        const name = word.slice(2)
        if (word.startsWith("--") && settings.includes(name)) (flags[name] ??= []).push(words[i + 1] ?? "")
      }
      const produces = words.includes("--produce")
      return Effect.gen(function*() {
        const { given, warnings } = yield* ConfigSources.collect(flags)
        assert.deepStrictEqual(warnings, [], command)
        const { node } = yield* Effect.fromResult(
          DaemonConfig.decode(given, { home: "/home/op", addresses: [] }, "timemesh/test")
        )
        if (produces) assert.strictEqual(node.network.name, "devnet", command)
      }).pipe(
        Effect.provide(Layer.merge(
          ConfigProvider.layer(ConfigProvider.fromEnvRecord(env)),
          FileSystem.layerNoop({ readFileString: () => Effect.succeed("network = \"testnet\"\n") })
        )),
        Effect.mapError((error) => `${command}: ${error.message}`)
      )
    }, { discard: true }))
})

describe("the man page", () => {
  const page = fs.readFileSync(manual, "utf8")

  it("is what npm run ops makes, as are the exit codes of docs/OPERATIONS.md", () => {
    assert.strictEqual(page, manPage(), "man/timemesh.1 is old: npm run ops")
    const document = fs.readFileSync(operations, "utf8")
    assert.strictEqual(document, madeParts(document), "docs/OPERATIONS.md is old: npm run ops")
    for (const [code] of ExitCode.table) assert.include(document, `\n- \`${code}\`: `)
  })

  it("has every command, flag, variable, exit code and example", () => {
    for (const { help, name } of helps.slice(1)) {
      const [, after = ""] = page.split(`.SS ${text(name)}\n`)
      const own = after.split(/^\.S[SH] /m)[0] ?? ""
      assert.include(own, text(help.description), name)
      for (const { command } of help.examples ?? []) assert.include(own, `\n${text(command)}\n`, name)
      for (const flag of help.flags) {
        const elsewhere = own.includes(text("And every setting of timemesh run."))
        if (!elsewhere || !settingNames.has(flag.name)) assert.include(own, `\\fB${text(`--${flag.name}`)}\\fR`, name)
      }
    }
    for (const { name } of Settings.all) assert.include(page, `\\fB${text(Settings.environmentName(name))}\\fR`)
    for (const [code] of ExitCode.table) assert.include(page, `.TP\n\\fB${code}\\fR\n`)
  })

  it("is text that roff takes as it is", () => {
    assert.strictEqual(text(".SH\n'br \\fB …"), "\\&.SH\n\\&'br \\efB \\[u2026]")
    for (const line of page.split("\n")) {
      assert.match(line, /^(?:\.(?:SH|SS|TH|TP|PP|RS|RE|EX|EE|ad|\\")(?: |$)|[^.'])|^$/, line)
    }
  })

  it("is one that groff formats without a word of complaint", (context) => {
    if (spawnSync("groff", ["--version"]).status !== 0) return context.skip("groff is not installed: apt install groff")
    const { status, stderr } = spawnSync("groff", ["-man", "-ww", "-Tutf8", "-z", fileURLToPath(manual)], {
      encoding: "utf8"
    })
    assert.deepStrictEqual([status, stderr], [0, ""])
  })

  it("is installed by npm", () => {
    const manifest = JSON.parse(fs.readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      readonly man: string
      readonly files: ReadonlyArray<string>
    }
    assert.strictEqual(fileURLToPath(new URL(`../../${manifest.man}`, import.meta.url)), fileURLToPath(manual))
    assert.include(manifest.files, manifest.man.split("/")[0])
  })
})
