/** A disk that is really full, small and mounted for this test alone: what the node says, and that it recovers by itself. */
import { assert, describe } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Status } from "../../src/layers/http/AdminApi.ts"
import type { Bans } from "../../src/layers/http/PeerApi.ts"
import { e2e, main } from "./program.ts"

const script = fileURLToPath(new URL("fullDisk.sh", import.meta.url))

/** A file system can be mounted here, for the processes of a namespace only. */
const possible = spawnSync("unshare", ["-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]).status === 0

interface Seen {
  readonly step: string
  readonly status: Status
  /** Exit code of `status --check`. */
  readonly check: number
  readonly doctor: {
    readonly findings: ReadonlyArray<{ readonly check: string; readonly level: string; readonly says: string }>
  }
  readonly metrics: string
  readonly ready: number
}

describe.skipIf(!possible)(`a full disk${possible ? "" : " (skipped: nothing can be mounted here)"}`, () => {
  e2e(
    "is said by verdict, health, metrics and doctor, and over once there is room again, with nothing lost",
    (directory) =>
      Effect.gen(function*() {
        const child = yield* ChildProcess.make("unshare", ["-rm", "sh", script, process.execPath, main, directory], {
          forceKillAfter: 6_000
        })
        const text = yield* Stream.mkString(Stream.decodeText(child.stdout))
        const [full, room, again] = text.trim().split("\n").map((line): unknown => JSON.parse(line)) as [
          Seen,
          Seen,
          { readonly verified: { readonly height: number }; readonly bans: Bans }
        ]
        const metric = ({ metrics }: Seen, name: string) =>
          Number(new RegExp(`^${name} (\\S+)$`, "m").exec(metrics)?.[1])
        const problems = ({ doctor }: Seen) =>
          doctor.findings.filter(({ level }) => level === "problem").map(({ check }) => check)

        assert.match(
          full.status.verdict?.text ?? "",
          /^PROBLEM: height \d+, not storing: .*chain\.db cannot grow: .*full/
        )
        assert.isTrue(full.status.verdict?.problems.some(({ what }) => what.includes("peers.db")), "the book, too")
        assert.deepStrictEqual([full.check, full.ready], [1, 503])
        const height = metric(full, "timemesh_chain_height")
        assert.isBelow(height, 4_000)
        assert.deepStrictEqual(
          ["timemesh_ok", "timemesh_ready", "timemesh_chain_storing"].map((name) => metric(full, name)),
          [0, 0, 0]
        )
        assert.isTrue(problems(full).includes("disk") && problems(full).includes("node"), problems(full).join())

        assert.match(room.status.verdict?.text ?? "", /^OK: 1 peer .*, height 4000 = best peer$/)
        assert.deepStrictEqual([room.check, room.ready, metric(room, "timemesh_chain_storing")], [0, 200, 1])
        // Doctor still minds how small the disk is.
        assert.deepStrictEqual(problems(room), ["disk"])

        // Killed, and started again: the chain is whole, and the ban that was given while nothing could be stored is there.
        assert.strictEqual(again.verified.height, 4_000)
        assert.deepStrictEqual(again.bans.bans.map(({ subnet }) => subnet), ["203.0.113.9"])
      })
  )
})
