/**
 * `TIMED=path npm run daemon-check [-- --minutes N --only NAME]`: a node of ours beside the TIME network's own daemon, which is not part of
 * this project: every check with what both ends say. Without `TIMED` it says that it was skipped. `TIMED_2250` and `TIMED_2062` name older
 * versions of the daemon. Needs Linux and network namespaces, as root or as a user who may make them.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { table } from "../../src/cli/table.ts"
import { Check, type Row } from "./Check.ts"
import * as checks from "./checks.ts"
import { crossing } from "./crossing.ts"
import * as Lab from "./Lab.ts"
import { masternode } from "./masternode.ts"

const { values } = parseArgs({
  options: {
    /** How long the connections are held. */
    minutes: { type: "string", default: "5" },
    /** One group alone; repeatable. */
    only: { type: "string", multiple: true },
    /** Groups at once. */
    "at-once": { type: "string", default: "3" },
    /** Logs and data go there, and stay. */
    keep: { type: "string" }
  }
})

const { TIMED, TIMED_2062, TIMED_2250 } = process.env

const groups: ReadonlyArray<readonly [name: string, binary: string | undefined, group: checks.Group]> = [
  ["held", TIMED, checks.held],
  ["lower", TIMED, checks.lower],
  ["sync", TIMED, checks.sync],
  ["long sync", TIMED, checks.syncLong],
  ["reorg", TIMED, checks.reorg],
  ["deep reorg", TIMED, checks.deepReorg],
  ["produced", TIMED, checks.produced],
  ["both dial", TIMED, checks.bothDial],
  ["crossing", TIMED, crossing],
  ["masternode", TIMED, masternode],
  ["version 2250", TIMED_2250, checks.version(70)],
  ["version 2062", TIMED_2062, checks.version(71)]
]

const inside = async (): Promise<number> => {
  const directory = resolve(values.keep ?? mkdtempSync(join(tmpdir(), "timemesh-daemon-")))
  mkdirSync(directory, { recursive: true })
  Lab.open(directory)
  const rows: Array<Row> = []
  const waiting = groups.filter(([name]) => values.only === undefined || values.only.includes(name))
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [name, binary, group] = next
      if (binary === undefined) {
        rows.push({ check: name, outcome: "ok", words: "skipped: no binary was named" })
        continue
      }
      const check = new Check(name, binary, directory, Number(values.minutes))
      await group(check).catch((error: unknown) => check.row("to its end", () => Promise.reject(error)))
      await check.end()
      rows.push(...check.rows)
    }
  }
  await Promise.all(Array.from({ length: Number(values["at-once"]) }, worker))
  const failed = rows.filter(({ outcome }) => outcome === "FAILED")
  process.stdout.write(
    `${
      table([["CHECK", "", "WHAT BOTH ENDS SAY"], ...rows.map(({ check, outcome, words }) => [check, outcome, words])])
    }\n`
  )
  process.stdout.write(
    failed.length === 0 ? "OK\n" : `NOT OK: ${failed.length} of ${rows.length}; logs in ${directory}\n`
  )
  if (failed.length === 0 && values.keep === undefined) rmSync(directory, { recursive: true })
  return failed.length === 0 ? 0 : 1
}

const run = async (): Promise<number> => {
  if (TIMED === undefined || TIMED === "") {
    process.stdout.write("daemon-check was SKIPPED: TIMED does not name a binary of the TIME network's daemon\n")
    return 0
  }
  for (const binary of [TIMED, TIMED_2250, TIMED_2062]) {
    if (binary !== undefined && !existsSync(binary)) throw new Error(`there is no file ${binary}`)
  }
  if (Lab.isInside()) return inside()
  const code = await Lab.runInside()
  if (typeof code === "number") return code
  process.stdout.write(`daemon-check was NOT DONE: ${code}\n`)
  return 1
}

// What a failed check left open must not keep it running.
process.exit(await run())
