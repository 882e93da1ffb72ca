/** Names over real UDP: a name server of the test on loopback. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createSocket, type Socket } from "node:dgram"
import { fromStringUnsafe as ip, toBytes } from "../../../src/domain/peer/PeerIp.ts"
import * as DnsResolver from "../../../src/layers/socket/DnsResolver.ts"
import { NameResolver } from "../../../src/services/NameResolver.ts"

/** Answers questions for `zone`'s names; others do not exist. */
const serve = (zone: Readonly<Record<string, ReadonlyArray<string>>>) =>
  Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const socket = createSocket("udp4")
      socket.on("message", (query, from) => {
        const labels: Array<string> = []
        let at = 12
        for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
          labels.push(query.toString("latin1", at + 1, at + 1 + length))
          at += 1 + length
        }
        const type = query.readUInt16BE(at + 1)
        const found = zone[labels.join(".")]
        const records = (found ?? []).filter((text) => text.includes(":") === (type === 28)).map((text) => {
          const bytes = text.includes(":") ? toBytes(ip(text)) : toBytes(ip(text)).subarray(12)
          // A pointer to the question's name, type, class IN, a minute, length.
          return Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, bytes.length, ...bytes])
        })
        const head = Buffer.alloc(12)
        query.copy(head, 0, 0, 2)
        head.writeUInt16BE(found === undefined ? 0x8183 : 0x8180, 2)
        head.writeUInt16BE(1, 4)
        head.writeUInt16BE(records.length, 6)
        socket.send(Buffer.concat([head, query.subarray(12, at + 5), ...records]), from.port, from.address)
      })
      socket.bind(0, "127.0.0.1", () => resume(Effect.succeed(socket)))
    }),
    (socket) => Effect.sync(() => socket.close())
  )

describe("the resolver of names", () => {
  it.live("gives the addresses of both families, or says why there are none", () =>
    Effect.gen(function*() {
      const socket = yield* serve({
        "seed.example": ["203.0.113.7", "203.0.113.8", "2001:db8::7"],
        "empty.example": []
      })
      const resolver = yield* Effect.provide(
        Effect.service(NameResolver),
        DnsResolver.layer([`127.0.0.1:${socket.address().port}`])
      )
      const found = yield* resolver.resolve("seed.example")
      assert.sameMembers([...found], ["203.0.113.7", "203.0.113.8", "2001:db8::7"].map(ip))
      assert.strictEqual((yield* Effect.flip(resolver.resolve("none.example"))).code, "ENOTFOUND")
      assert.strictEqual((yield* Effect.flip(resolver.resolve("empty.example"))).code, "ENODATA")
    }).pipe(Effect.scoped))
})
