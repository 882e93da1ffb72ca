/**
 * The commands in fenced blocks of the documents, run against two real nodes: each succeeds, and prints what the text says. A line that is neither run nor
 * named below with its reason fails: a new one cannot be forgotten.
 */
import { assert, describe, vi } from "@effect/vitest"
import { Console, Effect, type FileSystem } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"
import { runLine } from "../../scripts/ops/helpDocs.ts"
import { e2e, start } from "./program.ts"

const root = fileURLToPath(new URL("../../", import.meta.url))
const operations = fs.readFileSync(`${root}docs/OPERATIONS.md`, "utf8")
const files = [
  "README.md",
  ...fs.readdirSync(`${root}docs`).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`)
]

/** Why the test does not run a line. */
const elsewhere: ReadonlyArray<readonly [line: RegExp, reason: string]> = [
  [
    /^(?:npm|\.ci|TIMED=)/,
    "of a checkout, not of a node: scripts that test/ops/documents.test.ts finds in package.json"
  ],
  [/^(?:setsid )?timemesh run /, "the nodes of this test are such; test/e2e/cli.test.ts has the flags"],
  [/^timemesh testnet /, "minutes: test/e2e/testnet.test.ts, test/testnet"],
  [/^timemesh simulate/, "minutes: test/cli/simulate*.test.ts"]
]

const [one, two] = ["127.79.0.1", "127.79.0.2"]
const admin = `${one}:24299`

/** Names of the text, as they are here. Longest first. */
const here = (directory: string): ReadonlyArray<readonly [text: string, here: string]> => [
  ["/var/backups/timemesh-monday", `${directory}/backup`],
  ["/var/lib/timemesh", `${directory}/one`],
  ["http://127.0.0.1:24101", `http://${admin}`],
  ["10.0.0.5:24101", admin],
  ["198.51.100.4", two],
  ["admin.token", `${directory}/one/admin.token`]
]

/** Files that a line names without a directory. */
const relative = new Set(["trace.json", "blocks", "data", "log"])

const wordsOf = (line: string): ReadonlyArray<string> =>
  [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) => word.replace(/^(['"])(.*)\1$/, "$2"))

/** A line and the commands that its comment names. `timemesh bans, timemesh unban X` are two. */
const commandsOf = (line: string): ReadonlyArray<string> => {
  const [code = "", comment = ""] = line.split(/\s+#\s/)
  return [code.trim(), ...comment.split(/[,:]\s*/).filter((part) => part.startsWith("timemesh "))]
}

/** Lines of fenced blocks that are of a shell, or of no language. */
const fenced = (text: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  let language: string | undefined
  for (const line of text.split("\n")) {
    const fence = /^```(.*)$/.exec(line)?.[1]
    if (fence !== undefined) language = language === undefined ? fence : undefined
    else if (language !== undefined && ["sh", "bash", ""].includes(language) && line !== "") found.push(line)
  }
  return found
}

const lines = files.flatMap((file) =>
  fenced(fs.readFileSync(`${root}${file}`, "utf8")).flatMap(commandsOf).map((code) => ({ file, code }))
)

/** What a command prints, from this process: the nodes are others. */
const timemesh = Effect.fnUntraced(function*(words: ReadonlyArray<string>) {
  const out: Array<string> = []
  const log = (text: unknown) => void out.push(String(text))
  const exit = yield* runLine(words, { present: () => Effect.void }).pipe(
    Effect.provideService(Console.Console, { ...globalThis.console, log, error: log }),
    Effect.result
  )
  assert.strictEqual(exit._tag, "Success", `timemesh ${words.join(" ")}: ${JSON.stringify(exit)}\n${out.join("\n")}`)
  return out.join("\n")
})

/** As curl does it. Its status must be a success. */
const curl = Effect.fnUntraced(function*(words: ReadonlyArray<string>, token: string) {
  const after = (flag: string) => words.flatMap((word, i) => word === flag ? [words[i + 1] ?? ""] : [])
  const url = words.find((word) => word.startsWith("http")) ?? ""
  const [body] = after("-d")
  const headers = after("-H").map((header) => header.replace(/\$\(cat \S+\)/, token).split(": ") as [string, string])
  const response = yield* Effect.promise(() =>
    fetch(url, { method: body === undefined ? "GET" : "POST", headers, body: body ?? null })
  )
  assert.strictEqual(response.status, 200, words.join(" "))
  return yield* Effect.promise(() => response.text())
})

/** Without what differs from one run to the next: addresses, numbers, times, versions, one or several. */
const shape = (text: string): string =>
  text.replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}/g, "T").replace(/\d+(?:\.\d+){3}/g, "IP").replace(
    /\d+(?:\.\d+)*/g,
    "N"
  )
    .replace(/\bpeers?\b/g, "peer").replace(/\bsteps?\b/g, "step").replace(/\s+/g, " ")

/** The first block of text after that sentence of the guide. */
const printed = (after: string): ReadonlyArray<string> => {
  const block = /^```text\n(.*?)^```/ms.exec(operations.slice(operations.indexOf(after)))?.[1]
  assert.isDefined(block, after)
  return (block ?? "").trimEnd().split("\n")
}

const startNode = (directory: string, ip: string, ...more: ReadonlyArray<string>) =>
  start(["run", "--network=devnet", `--listen=${ip}:24298`, `--data-dir=${directory}`, "--log-format=pretty", ...more])

const runAll = (directory: string, log: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    fs.writeFileSync(`${directory}/log`, log.join("\n"))
    const token = fs.readFileSync(`${directory}/one/admin.token`, "utf8").trim()
    const told = new Map<string, string>()
    for (const { code, file } of lines) {
      if (elsewhere.some(([line]) => line.test(code))) continue
      const local = here(directory).reduce((line, [text, now]) => line.replaceAll(text, now), code)
      const words = wordsOf(local).map((word) => relative.has(word) ? `${directory}/${word}` : word)
      const [program, ...args] = words
      const to = args.indexOf(">")
      if (program === "timemesh") {
        const given = to === -1 ? args : args.slice(0, to)
        // A node that is restored must be stopped, and a token is in a file of the first one's directory.
        const exact = given.map((word, i) =>
          given[0] === "restore" && word === `${directory}/one` ?
            `${directory}/restored`
            : given[i - 1] === "--admin-token-file"
            ? `${directory}/one/admin.token`
            : word
        )
        const text = yield* timemesh(exact)
        if (to !== -1) fs.writeFileSync(args[to + 1] ?? "", text)
        told.set(code, text)
      } else if (program === "curl") {
        told.set(code, yield* curl(args, token))
      } else if (program === "grep") {
        const line = local.replace(/ log( |$)/, ` ${directory}/log$1`)
        told.set(code, execFileSync("sh", ["-c", line], { encoding: "utf8" }))
      } else assert.fail(`${file}: ${code}: it is neither run nor named as run elsewhere`)
    }
    return told
  })

describe("the documents' commands", () => {
  e2e(
    "succeed on a real node, and print what the text says",
    (directory: string, _fs: FileSystem.FileSystem) =>
      Effect.gen(function*() {
        // Commands that name no node mean this one.
        vi.stubEnv("TIMEMESH_DATA_DIR", `${directory}/one`)
        const first = yield* startNode(
          `${directory}/one`,
          one,
          `--admin=${admin}`,
          `--peer=${two}:24298`,
          "--log-level=debug",
          "--ping=1s"
        )
        yield* first.line(/admin API on|ERROR/)
        yield* startNode(`${directory}/two`, two, `--peer=${one}:24298`)
        yield* first.line(new RegExp(`PeerConnection established with ${two}`))
        yield* first.line(new RegExp(`[Pp]ong.*${two}`))

        const status = yield* timemesh(["status"])
        assert.include(printed("begins with a verdict").map(shape), shape(status.split("\n")[0] ?? ""))
        const doctor = (yield* timemesh(["doctor", "--network", "devnet", "--data-dir", `${directory}/one`])).split(
          "\n"
        ).map(shape)
        for (const line of printed("`timemesh doctor` takes").filter((line) => line.startsWith("ok"))) {
          assert.include(doctor, shape(line))
        }
        const [heading, ...story] = (yield* timemesh(["trace", two])).split("\n")
        const guide = printed("## What happened with a peer")
        assert.strictEqual(shape(heading ?? ""), shape(guide[0] ?? ""))
        for (const start of ["before: ", "now: "]) {
          assert.isTrue(
            story.some((line) => line.startsWith(start)) && guide.some((line) => line.startsWith(start)),
            start
          )
        }
        for (const line of story.slice(3)) assert.match(line, /^(?:\S+ \S+ {2}\S| {2}[->] |now: )/)

        const told = yield* runAll(directory, yield* first.lines)
        const says = (line: RegExp) =>
          [...told].find(([code]) => line.test(code))?.[1] ?? assert.fail(`${line}: not run`)
        assert.isAbove(told.size, 15)
        assert.lengthOf(says(/^grep "PeerConnection"/).trim().split("\n"), 1, "one established line per peer")
        assert.match(says(/^timemesh ban .*--for 7d/), /^banned 203\.0\.113\.0\/24 for 7 d 0 h/)
        assert.match(says(/^timemesh bans/), /203\.0\.113\.0\/24 +operator .*floods us/)
        assert.match(says(/^timemesh replay/), /this version decides the same in each of the \d+ steps/)
      })
  )
})
