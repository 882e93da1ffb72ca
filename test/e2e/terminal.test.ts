/** Colours on a terminal, and none where they are not wanted. */
import { assert, describe } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { spawnSync } from "node:child_process"
import { e2e, main } from "./program.ts"

/** util-linux's `script` runs a command on a terminal. */
const possible = spawnSync("script", ["-qec", "true", "/dev/null"]).status === 0

const escape = String.fromCharCode(27)

/** What the command writes to a terminal. */
const onTerminal = (args: string, env: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    const line = `timeout 20 ${process.execPath} ${main} ${args}`
    const { NO_COLOR: _, FORCE_COLOR: _force, ...inherited } = process.env
    const child = yield* ChildProcess.make("script", ["-qec", line, "/dev/null"], {
      env: { ...inherited, TERM: "xterm-256color", ...env },
      extendEnv: false
    })
    return yield* Stream.mkString(Stream.decodeText(child.stdout))
  }).pipe(Effect.scoped)

const coloured = (text: string): boolean => text.includes(`${escape}[`) && new RegExp(`${escape}\\[[0-9;]+m`).test(text)

describe.skipIf(!possible)(`a terminal${possible ? "" : " (skipped: no script command here)"}`, () => {
  e2e(
    "shows colours, none with NO_COLOR, and no control sequence at all with TERM=dumb",
    (directory) =>
      Effect.gen(function*() {
        const commands = [
          `status --data-dir ${directory}/none`,
          "status --no-such-flag",
          "run --help",
          `run --network devnet --listen 127.79.0.1:0 --admin off --data-dir ${directory}/none/file:x --ping 1ms`
        ]
        for (const command of commands) {
          assert.isTrue(coloured(yield* onTerminal(command, {})), command)
          assert.isFalse(coloured(yield* onTerminal(command, { NO_COLOR: "1" })), command)
          assert.notInclude(yield* onTerminal(command, { TERM: "dumb" }), escape, command)
        }
        const simulated = "simulate --nodes 3 --hours 0.01 --seed 1"
        assert.isFalse(coloured(yield* onTerminal(simulated, { NO_COLOR: "1" })))
        assert.notInclude(yield* onTerminal(simulated, { TERM: "dumb" }), escape)
      })
  )
})
