/** What systemd hears of a node, in order and in time; and that its unit is one that systemd accepts. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Exit, Layer, Scope } from "effect"
import { ChildProcessSpawner } from "effect/process"
import { TestClock } from "effect/testing"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as serviceManager from "../../src/cli/serviceManager.ts"
import * as Limits from "../../src/domain/Limits.ts"

/** Starts nothing, and keeps what would have been said. */
const spawner = (said: Array<string>, code: number) =>
  Layer.succeed(
    ChildProcessSpawner.ChildProcessSpawner,
    ChildProcessSpawner.make((command) =>
      Effect.sync(() => {
        assert(command._tag === "StandardCommand")
        assert.strictEqual(command.command, "systemd-notify")
        said.push(command.args.join(" "))
        return ChildProcessSpawner.makeHandle(
          {
            exitCode: Effect.succeed(ChildProcessSpawner.ExitCode(code))
          } as unknown as Parameters<typeof ChildProcessSpawner.makeHandle>[0]
        )
      })
    )
  )

const under = Effect.fnUntraced(function*(env: Readonly<Record<string, string>>, minutes: number, code = 0) {
  const said: Array<string> = []
  const scope = yield* Scope.make()
  yield* Layer.buildWithScope(
    serviceManager.layer.pipe(
      Layer.provide([spawner(said, code), ConfigProvider.layer(ConfigProvider.fromUnknown(env))])
    ),
    scope
  )
  yield* TestClock.adjust(`${minutes} minutes`)
  yield* Scope.close(scope, Exit.void)
  return said
})

describe("service manager", () => {
  it.effect("hears that the node is up, twice in each watchdog time that it lives, and that it stops", () =>
    Effect.gen(function*() {
      const said = yield* under({ NOTIFY_SOCKET: "/run/x", WATCHDOG_USEC: "60000000" }, 2)
      assert.deepStrictEqual(said, [
        "READY=1",
        ...Array.from({ length: 4 }, () => "WATCHDOG=1"),
        "--no-block STOPPING=1"
      ])
      assert.deepStrictEqual(yield* under({ NOTIFY_SOCKET: "/run/x" }, 2), ["READY=1", "--no-block STOPPING=1"])
      assert.deepStrictEqual(yield* under({}, 2), [])
    }))

  it.effect("does not stop the node when it cannot be told", () =>
    Effect.gen(function*() {
      const said = yield* under({ NOTIFY_SOCKET: "/run/x", WATCHDOG_USEC: "60000000" }, 1, 1)
      assert.deepStrictEqual(said, ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "--no-block STOPPING=1"])
    }))

  it.effect("does not hold up a node that stops", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      let isStopping = false
      const hangs = Layer.succeed(
        ChildProcessSpawner.ChildProcessSpawner,
        ChildProcessSpawner.make(() =>
          Effect.sync(() =>
            ChildProcessSpawner.makeHandle(
              {
                exitCode: Effect.suspend(() =>
                  isStopping ? Effect.never : Effect.succeed(ChildProcessSpawner.ExitCode(0))
                )
              } as unknown as Parameters<typeof ChildProcessSpawner.makeHandle>[0]
            )
          )
        )
      )
      const env = ConfigProvider.layer(ConfigProvider.fromUnknown({ NOTIFY_SOCKET: "/run/x" }))
      yield* Layer.buildWithScope(Layer.provide(serviceManager.layer, [hangs, env]), scope)
      isStopping = true
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* TestClock.adjust(Limits.notifyStopMs)
      assert.isDefined(closing.pollUnsafe())
    }))

  it("systemd accepts the unit, and finds little that it may do", (context) => {
    const unit = fs.readFileSync(new URL("../../ops/timemesh.service", import.meta.url), "utf8")
    assert.match(unit, /\nType=notify\n/)
    assert.match(unit, /\nWatchdogSec=60\n/)
    if (spawnSync("systemd-analyze", ["--version"]).status !== 0) {
      return context.skip("systemd-analyze is not installed: apt install systemd")
    }
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "unit-"))
    try {
      const file = path.join(directory, "timemesh.service")
      // Any program that is there: systemd looks for it.
      fs.writeFileSync(file, unit.replace("/usr/bin/timemesh", "/bin/true"))
      const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" })
      assert.deepStrictEqual([status, stderr.split("\n").filter((line) => line.includes("timemesh.service"))], [0, []])
      const rights = spawnSync("systemd-analyze", ["security", "--offline=true", "--threshold=20", file], {
        encoding: "utf8"
      })
      assert.strictEqual(rights.status, 0, rights.stdout)
    } finally {
      fs.rmSync(directory, { recursive: true })
    }
  })
})
