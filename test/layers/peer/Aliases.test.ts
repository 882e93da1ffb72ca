/** One process at several addresses: who proves what to whom, which connection goes, and when the addresses may be dialled again. */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as AliasProof from "../../../src/domain/peer/AliasProof.ts"
import * as Aliases from "../../../src/layers/peer/Aliases.ts"
import * as hand from "../../harness/peerContext.ts"
import { hello } from "../../harness/rawPeer.ts"

const { ip } = hand
/** Above and below this node's own process id: which of the two closes a connection depends on it. */
const [above, below] = ["ff".repeat(8), "00".repeat(8)]

const proofs = ({ connection }: hand.Connected) =>
  connection.sent().flatMap((message) => message._tag === "SameProcess" ? [message.proof] : [])

/** What the process at the other end of both would say on `on` about `about`. */
const proof = ({ ctx }: hand.Hand, about: hand.Connected, self = "10.0.0.100"): string =>
  ctx.entropy.mac(
    AliasProof.proofKey({ verifier: about.end.helloNonce, prover: about.up.greeting.nonce }),
    AliasProof.proofInput(ip(self))
  )

const two = (process: string) => {
  const node = hand.make()
  const first = node.up("10.0.0.1", { process })
  const second = node.up("10.0.0.2", { process })
  const other = node.up("10.0.0.3")
  node.emitted()
  return { node, first, second, other }
}

describe("a Hello of a process that is up elsewhere", () => {
  it("is reported with the other address; of its own address, or of another process, it is not", () => {
    const node = hand.make()
    node.up("10.0.0.1", { process: above })
    node.emitted()
    const said = (at: string, process: string) => {
      Aliases.onHello(node.ctx, node.ctx.table.get(ip(at)) ?? node.row(at), hello(ip("10.0.0.100"), { process }))
      return node.emitted()
    }
    assert.deepStrictEqual(said("10.0.0.1", above), [])
    assert.deepStrictEqual(said("10.0.0.2", below), [])
    assert.deepStrictEqual(said("10.0.0.2", above), [{
      _tag: "Aliased",
      ip: ip("10.0.0.2"),
      other: ip("10.0.0.1"),
      detail: "both addresses say they are the same process"
    }])
  })
})

describe("two connections that say they are one process", () => {
  it("each get the proof that we hold the other too", () => {
    const { first, node, other, second } = two(above)
    Aliases.onUp(node.ctx, second.up)
    const said = (to: hand.Connected, about: hand.Connected) =>
      node.ctx.entropy.mac(
        AliasProof.proofKey({ verifier: about.up.greeting.nonce, prover: about.end.helloNonce }),
        AliasProof.proofInput(to.peer.ip)
      )
    assert.deepStrictEqual(proofs(first), [said(first, second)])
    assert.deepStrictEqual(proofs(second), [said(second, first)])
    assert.deepStrictEqual(proofs(other), [])
  })

  it("are one too many when the peer proves it: the later one goes, whichever carries the proof", () => {
    for (const carrier of ["first", "second"] as const) {
      const made = two(above)
      const { first, node, second } = made
      const [on, about] = carrier === "first" ? [first, second] : [second, first]
      Aliases.proofReceived(node.ctx, on.peer, on.up, proof(node, about))
      assert.deepStrictEqual(node.posted(), [[ip("10.0.0.2"), {
        _tag: "Merged",
        end: second.end.id,
        detail: "connected as 10.0.0.1"
      }]])
      assert.deepStrictEqual([first.peer.book.aliasOf, second.peer.book.aliasOf], [undefined, ip("10.0.0.1")])
      assert.deepStrictEqual(node.of("Aliased").map((event) => [event.ip, event.other]), [[
        ip("10.0.0.2"),
        ip("10.0.0.1")
      ]])
    }
  })

  it("are both kept, and our proof is said again, where the other process is the one to close", () => {
    const { first, node, second } = two(below)
    Aliases.proofReceived(node.ctx, second.peer, second.up, proof(node, first))
    assert.deepStrictEqual(node.posted(), [])
    assert.deepStrictEqual([proofs(first).length, proofs(second).length], [1, 1])
  })

  it("are kept where the proof is wrong, of another address of ours, or sent to one that our socket does not have", () => {
    const { first, node, other, second } = two(above)
    const refused = (said: string, on = second) => {
      Aliases.proofReceived(node.ctx, on.peer, on.up, said)
      return node.posted().length
    }
    assert.strictEqual(refused("00".repeat(16)), 0)
    assert.strictEqual(refused(proof(node, first, "10.0.0.101")), 0)
    assert.strictEqual(refused(proof(node, second)), 0)
    assert.strictEqual(refused(proof(node, first), other), 0, "its process is another")
    second.connection.local = ip("10.0.0.101")
    assert.strictEqual(refused(proof(node, first)), 0)
    second.connection.local = ip("10.0.0.100")
    second.peer.pair = { ...second.peer.pair, ends: [] }
    assert.strictEqual(refused(proof(node, first)), 0)
  })
})

describe("a process that moved", () => {
  const moved = (change: Parameters<hand.Hand["row"]>[2] = {}, source: "stored" | "configured" = "stored") => {
    const node = hand.make()
    const now = node.up("10.0.0.2", { process: above })
    const { process } = now.peer.book
    const former = node.row("10.0.0.1", source, { process, ...change })
    node.ctx.book.add({ ip: former.ip, port: 1_234 }, former.ip, node.ctx.nowMs())
    node.emitted()
    return { node, now, former }
  }

  it("leaves its former address, which is forgotten, also in the book, and remembered as moved", () => {
    const { former, node, now } = moved()
    Aliases.onUp(node.ctx, now.up)
    assert.deepStrictEqual([former.forgotten, node.ctx.book.get(former.ip)], [true, undefined])
    assert.deepStrictEqual([...node.ctx.table.moved], [[ip("10.0.0.1"), ip("10.0.0.2")]])
    assert.deepStrictEqual(node.of("Aliased").map((event) => [event.ip, event.other]), [[
      ip("10.0.0.1"),
      ip("10.0.0.2")
    ]])
    for (let i = 0; i < Limits.movedAddresses; i++) {
      const other = node.row(`11.0.${i >> 8}.${i & 255}`, "stored", { process: now.peer.book.process })
      Aliases.left(node.ctx, other)
    }
    assert.strictEqual(node.ctx.table.moved.size, Limits.movedAddresses)
    assert.isFalse(node.ctx.table.moved.has(ip("10.0.0.1")))
  })

  it("keeps a configured address, which is not dialled meanwhile", () => {
    const { former, node, now } = moved({}, "configured")
    Aliases.onUp(node.ctx, now.up)
    assert.deepStrictEqual([former.forgotten, former.book.aliasOf], [false, ip("10.0.0.2")])
    assert.isDefined(node.ctx.book.get(former.ip))
    assert.strictEqual(node.ctx.table.moved.size, 0)
  })

  it("leaves nothing where the address is in use, is an alias, was refused as one, or was of another process", () => {
    const attempt = {
      at: 0,
      reason: DisconnectReason.rejected("alias", "remote"),
      direction: "outbound",
      reached: "hello"
    } as const
    for (
      const change of [
        { aliasOf: ip("10.0.0.9") },
        { lastAttempt: attempt },
        { process: { id: below, tag: "x", self: ip("10.0.0.100") } },
        { process: undefined }
      ]
    ) {
      const { former, node, now } = moved(change)
      Aliases.onUp(node.ctx, now.up)
      Aliases.left(node.ctx, former)
      assert.isFalse(former.forgotten, JSON.stringify(change))
    }
    const { former, node, now } = moved()
    node.socket("10.0.0.1")
    Aliases.onUp(node.ctx, now.up)
    Aliases.left(node.ctx, former)
    assert.isFalse(former.forgotten)
  })

  it("is found too when the former address's last connection ends after the new one came up", () => {
    const { former, node, now } = moved()
    Aliases.left(node.ctx, former)
    assert.isTrue(former.forgotten)
    Aliases.left(node.ctx, now.peer)
    assert.isFalse(now.peer.forgotten)
    const alone = hand.make()
    const gone = alone.row("10.0.0.1", "stored", { process: now.peer.book.process })
    alone.row("10.0.0.2", "stored", { process: now.peer.book.process })
    Aliases.left(alone.ctx, gone)
    assert.isFalse(gone.forgotten, "its process is up nowhere")
  })
})

describe("a Reject as alias", () => {
  it("is believed of an address to which we are connected, and only of another one", () => {
    const node = hand.make()
    const up = node.up("10.0.0.1")
    const peer = node.row("10.0.0.2")
    node.row("10.0.0.3")
    node.emitted()
    for (const address of [undefined, ip("10.0.0.3"), ip("10.0.0.9")]) {
      assert.isFalse(Aliases.onReject(node.ctx, peer, address))
    }
    assert.isFalse(Aliases.onReject(node.ctx, up.peer, up.peer.ip))
    assert.deepStrictEqual([peer.book.aliasOf, node.emitted()], [undefined, []])
    assert.isTrue(Aliases.onReject(node.ctx, peer, up.peer.ip))
    assert.strictEqual(peer.book.aliasOf, up.peer.ip)
    assert.deepStrictEqual(node.of("Aliased").map((event) => [event.ip, event.other]), [[peer.ip, up.peer.ip]])
  })

  it("tells the peer our address on the connection that stays", () => {
    const node = hand.make()
    const stays = node.up("10.0.0.1", { self: "10.0.0.77" })
    const { end, peer } = node.socket("10.0.0.2")
    assert.isUndefined(Aliases.addressKept(node.ctx, peer, end), "it has no other")
    peer.note({ aliasOf: stays.peer.ip })
    assert.strictEqual(Aliases.addressKept(node.ctx, peer, end), ip("10.0.0.77"))
    peer.note({ aliasOf: ip("10.0.0.9") })
    assert.isUndefined(Aliases.addressKept(node.ctx, peer, end))
    // The peer came to another address of ours: its own live connection stays.
    const again = node.socket("10.0.0.1")
    assert.strictEqual(Aliases.addressKept(node.ctx, stays.peer, again.end), ip("10.0.0.77"))
    assert.isUndefined(Aliases.addressKept(node.ctx, stays.peer, stays.end))
  })
})

describe("a connection that ends", () => {
  it("frees the addresses that were kept away for it, and no others", () => {
    const node = hand.make()
    const [a, b] = [
      node.row("10.0.0.2", "stored", { aliasOf: ip("10.0.0.1") }),
      node.row("10.0.0.3", "stored", { aliasOf: ip("10.0.0.9") })
    ]
    Aliases.onDown(node.ctx, node.row("10.0.0.1"))
    assert.deepStrictEqual([a.book.aliasOf, b.book.aliasOf], [undefined, ip("10.0.0.9")])
    assert.deepStrictEqual(node.posted(), [[a.ip, { _tag: "Freed" }]])
  })
})
