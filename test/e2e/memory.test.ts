/**
 * What 122 peers together may cost: each begins the longest frame and never ends it. The daemon's resident memory is measured, in its own
 * process, while it holds what it reads of them.
 */
import { assert, describe } from "@effect/vitest"
import { Effect, FileSystem, Schedule, Schema } from "effect"
import * as Limits from "../../src/domain/Limits.ts"
import { networks } from "../../src/domain/Network.ts"
import { NodeFile } from "../../src/layers/store/DataDir.ts"
import * as SecondClient from "../harness/secondClient.ts"
import { e2e, start } from "./program.ts"

const node = "127.78.0.1"
/** As many as dial in where 130 have places: the other places are for peers that the node dials. */
const peers = 122
const places = peers + Limits.outboundPlaces
const mebibyte = 1024 * 1024

/** MiB. What the process holds now. */
const residentOf = (pid: number) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const status = yield* fs.readFileString(`/proc/${pid}/status`)
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_024
  })

/** A peer from an address of its own, higher than the node's: it answers the node's Commit. */
const join = (port: number, i: number) =>
  Effect.promise(async () => {
    const line = await SecondClient.dial({ ip: node, port }, `127.78.1.${i + 1}`)
    const { genesis, name } = networks.devnet
    const process = (i + 1).toString(16).padStart(16, "0")
    line.say(SecondClient.hello({ genesis, network: name, nonce: line.nonce, process, to: node }))
    await line.hear("02")
    line.say(SecondClient.ack)
    return line
  })

/** The longest frame without its last byte: an application message. */
const unfinished = new Uint8Array(4 + Limits.frameBytes - 1)
new DataView(unfinished.buffer).setUint32(0, Limits.frameBytes)
unfinished[4] = 0x10

describe("memory", () => {
  e2e(
    `${peers} peers that each begin a frame of 8 MiB and never end it cost the daemon less than half of that`,
    (directory, fs) =>
      Effect.gen(function*() {
        const daemon = yield* start([
          "run",
          "--network=devnet",
          `--listen=${node}:0`,
          `--max-peers=${places}`,
          `--data-dir=${directory}`,
          "--log-format=pretty"
        ])
        yield* daemon.line(/admin API on|ERROR/)
        const file = yield* Effect.flatMap(
          fs.readFileString(`${directory}/node.json`),
          Schema.decodeUnknownEffect(Schema.fromJsonString(NodeFile))
        )
        const port = Number(file.listen.slice(file.listen.lastIndexOf(":") + 1))
        const lines = yield* Effect.acquireRelease(
          Effect.forEach(Array.from({ length: peers }, (_, i) => i), (i) => join(port, i), { concurrency: 8 }),
          (lines) => Effect.sync(() => lines.forEach((line) => line.close()))
        )
        yield* daemon.line(new RegExp(`established with 127\\.78\\.1\\.${peers}\\b`))
        const pid = Number(daemon.pid)
        const before = yield* residentOf(pid)
        for (const line of lines) line.bytes(unfinished)
        // Two turns of frames, and a part of the third: what the first ones held is free again, or it adds up here.
        let most = 0
        yield* residentOf(pid).pipe(
          Effect.tap((now) => Effect.sync(() => most = Math.max(most, now))),
          Effect.repeat({ schedule: Schedule.spaced("100 millis"), times: 2.5 * Limits.pressedFrameMs / 100 })
        )
        const given = (yield* daemon.lines).filter((text) => /others wait for its memory/.test(text)).length
        const told = `resident ${before.toFixed(0)} MiB before, ${
          most.toFixed(0)
        } MiB at most; ${given} frames given up`
        yield* Effect.log(told)
        assert.isAtLeast(most - before, Limits.arrivingBytes / mebibyte, `it held what its budget allows: ${told}`)
        // Held are 189 MiB; what the frames of a turn held may wait for the collector while the next ones come.
        assert.isAtMost(most - before, peers * Limits.frameBytes / mebibyte / 2, told)
      })
  )
})
