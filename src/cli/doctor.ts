/** `timemesh doctor`: finds what keeps a node from working on this host, now or soon, each with its fix. */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { type Finding, judge, type Level } from "./doctor/findings.ts"
import * as Failure from "./Failure.ts"
import * as flags from "./flags.ts"
import * as Json from "./json.ts"
import { table } from "./table.ts"
import { say } from "./terminal.ts"

const marks: Readonly<Record<Level, string>> = { ok: "ok", warning: "WARNING", problem: "PROBLEM" }

/** A line for each finding, followed by its fix. */
export const render = (findings: ReadonlyArray<Finding>): string => {
  const lines = table(findings.map(({ check, level, says }) => [marks[level], check, says])).split("\n")
  const indent = " ".repeat(marks.problem.length + 2)
  return findings.flatMap(({ fix }, i) => [lines[i] ?? "", ...(fix === undefined ? [] : [`${indent}-> ${fix}`])]).join(
    "\n"
  )
}

export const command = Command.make(
  "doctor",
  {
    settings: flags.all,
    json: flags.json
  },
  Effect.fnUntraced(function*({ json, settings }) {
    const { examine } = yield* Effect.promise(() => import("./doctor/examine.ts"))
    const findings = judge(yield* examine(settings))
    const problems = findings.filter(({ level }) => level === "problem").length
    yield* json ? Json.print({ ok: problems === 0, findings }) : say(render(findings))
    if (problems > 0) {
      return yield* Failure.failed(`${problems} ${problems === 1 ? "problem" : "problems"}`, "see above")
    }
  })
).pipe(
  Command.withDescription(
    "Check what a node needs on this host: settings, data directory, disk, database, limits, clock, ports, own address, and the node " +
      "that runs. Takes the settings of timemesh run, changes nothing, and exits with 1 when there is a problem"
  ),
  Command.withExamples([
    { command: "timemesh doctor", description: "Before the first start, or when something is wrong" },
    {
      command: "timemesh doctor --data-dir /var/lib/timemesh --listen 0.0.0.0:24100",
      description: "With the settings that the node is to have"
    }
  ])
)
