import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as Subnet from "../../../src/domain/peer/Subnet.ts"
import { type Ban, BanList } from "../../../src/domain/protection/BanList.ts"
import { randomFrom } from "../../harness/random.ts"

const ip = PeerIp.fromStringUnsafe
const subnet = Subnet.fromStringUnsafe
const ban = (text: string, change: Partial<Ban> = {}): Ban => ({
  subnet: subnet(text),
  since: 0,
  until: 1_000,
  by: "score",
  reason: "",
  ...change
})

describe("blocks of addresses", () => {
  it("have one text, whatever the spelling", () => {
    for (
      const [text, canonical] of [
        ["203.0.113.7", "203.0.113.7"],
        ["203.0.113.7/32", "203.0.113.7"],
        [" 203.0.113.99/24 ", "203.0.113.0/24"],
        ["203.0.113.130/25", "203.0.113.128/25"],
        ["::ffff:203.0.113.7", "203.0.113.7"],
        ["::ffff:203.0.113.7/128", "203.0.113.7"],
        ["::FFFF:203.0.113.7/120", "203.0.113.0/24"],
        ["2001:DB8:0:0::1/32", "2001:db8::/32"],
        ["2001:db8::ffff/127", "2001:db8::fffe/127"],
        ["2001:db8::1/128", "2001:db8::1"]
      ] as const
    ) assert.strictEqual<string>(subnet(text), canonical, text)
  })

  it("that are none, or most of the network, are refused with what to write", () => {
    for (
      const [text, says] of [
        ["", "write it as"],
        ["example.org", "write it as"],
        ["10.0.0.1/", "write it as"],
        ["10.0.0.1/8/8", "write it as"],
        ["10.0.0.1/-1", "write it as"],
        ["10.0.0.1/1e1", "write it as"],
        ["10.0.0.1:24100", "write it as"],
        ["fe80::1%eth0", "write it as"],
        ["10.0.0.1/33", "at most 32"],
        ["2001:db8::/129", "at most 128"],
        ["0.0.0.0/0", "at least 8"],
        ["10.0.0.0/7", "at least 8"],
        ["::/0", "at least 16"],
        ["::ffff:10.0.0.0/96", "at least 104"],
        ["::ffff:10.0.0.0/129", "at most 128"]
      ] as const
    ) {
      const read = Subnet.fromString(text)
      assert(Result.isFailure(read), text)
      assert.include(read.failure.message, says, text)
    }
  })

  it("contain exactly the addresses with the same first bits", () => {
    assert.isTrue(Subnet.contains(subnet("10.0.0.0/30"), ip("10.0.0.3")))
    assert.isFalse(Subnet.contains(subnet("10.0.0.0/30"), ip("10.0.0.4")))
    assert.isTrue(Subnet.contains(subnet("2001:db8:8000::/33"), ip("2001:db8:ffff::1")))
    assert.isFalse(Subnet.contains(subnet("2001:db8:8000::/33"), ip("2001:db8:7fff::1")))
    assert.isTrue(Subnet.contains(subnet("::ffff:10.0.0.0/104"), ip("10.255.0.1")))
    assert.isFalse(Subnet.contains(subnet("a00::/16"), ip("10.0.0.1")), "not of the other family")
  })
})

describe("the ban list", () => {
  it("finds an address in whatever form it comes, and neither before nor after its ban", () => {
    const list = new BanList()
    list.put(ban("203.0.113.7"))
    assert.isDefined(list.find(ip("::ffff:203.0.113.7"), 999))
    assert.isUndefined(list.find(ip("203.0.113.7"), 1_000), "it is over")
    assert.isUndefined(list.find(ip("203.0.113.8"), 0))
  })

  it("gives the ban that ends last, of all that an address is under", () => {
    const list = new BanList()
    list.put(ban("10.1.2.3", { until: 100 }))
    list.put(ban("10.1.0.0/16", { until: 300, by: "operator" }))
    list.put(ban("10.1.2.0/24", { until: 200 }))
    assert.strictEqual(list.find(ip("10.1.2.3"), 0)?.subnet, "10.1.0.0/16")
    list.remove(subnet("10.1.0.0/16"))
    assert.strictEqual(list.find(ip("10.1.2.3"), 0)?.subnet, "10.1.2.0/24")
    assert.deepStrictEqual(list.expire(200).map((gone) => gone.subnet).toSorted(), ["10.1.2.0/24", "10.1.2.3"])
    assert.strictEqual(list.size, 0)
    assert.isUndefined(list.find(ip("10.1.2.3"), 0))
  })

  it("agrees with a list that is read through, over hundreds of random changes", () => {
    const seed = 20_261_129
    const below = randomFrom(seed)
    const address = () => {
      const bytes = new Uint8Array(16)
      if (below(2) === 0) bytes.set([0xff, 0xff, 10, below(3), below(3), below(4)], 10)
      else bytes.set([0x20, 1, 0xd, 0xb8, below(2) * 128, below(3)], 0)
      return Option.getOrThrow(PeerIp.fromBytes(bytes))
    }
    const list = new BanList()
    const plain = new Map<string, Ban>()
    for (let round = 0; round < 600; round++) {
      const at = address()
      const all = PeerIp.isIpv6(at) ? 128 : 32
      const made = { ...ban("10.0.0.1", { until: below(5_000) }), subnet: Subnet.of(at, all - below(all - 15)) }
      if (below(3) === 0) {
        assert.strictEqual(list.remove(made.subnet) !== undefined, plain.delete(made.subnet), `seed ${seed}`)
      } else {
        list.put(made)
        plain.set(made.subnet, made)
      }
      const [who, now] = [address(), below(5_000)]
      const under = [...plain.values()].filter((each) => each.until > now && Subnet.contains(each.subnet, who))
      const last = Math.max(...under.map(({ until }) => until))
      const found = list.find(who, now)
      assert.strictEqual(found?.until, under.length === 0 ? undefined : last, `seed ${seed}, round ${round}`)
    }
  })

  it("is bounded: bans by score give way to those that last longer, the operator's to none", () => {
    const list = new BanList()
    const at = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
    for (let i = 0; i < Limits.bans; i++) assert.isTrue(list.put(ban(at(i), { until: 10_000 + i })))
    assert.isFalse(list.put(ban("192.0.2.1", { until: 9_000 })), "it would be the first to end")
    assert.isTrue(list.put(ban("192.0.2.2", { until: 50_000 })))
    assert.isUndefined(list.get(subnet(at(0))))
    assert.isTrue(list.put(ban("192.0.2.3", { until: 1, by: "operator" })))
    assert.strictEqual(list.size, Limits.bans)
    assert.isFalse(list.put(ban("192.0.2.3", { until: 90_000 })), "nor by a score of the same address")
    const ofOperator = new BanList()
    for (let i = 0; i < Limits.bans; i++) ofOperator.put(ban(at(i), { by: "operator" }))
    assert.isFalse(ofOperator.put(ban("192.0.2.9", { by: "operator" })))
    assert.isFalse(ofOperator.put(ban("192.0.2.9")))
    assert.strictEqual(ofOperator.size, Limits.bans)
  })

  it("answers within a few µs with 10,000 bans of every length", () => {
    const list = new BanList()
    for (let i = 0; i < Limits.bans; i++) {
      const at = ip(`${1 + i % 200}.${(i >> 8) & 255}.${i & 255}.${i % 251}`)
      list.put({ ...ban("10.0.0.1"), subnet: Subnet.of(at, 8 + i % 25) })
    }
    const asked = Array.from({ length: 256 }, (_, i) => ip(`223.${i}.7.9`))
    const rounds = 400
    let found = 0
    const began = process.threadCpuUsage()
    for (let i = 0; i < rounds; i++) for (const one of asked) if (list.find(one, 0) !== undefined) found += 1
    const { system, user } = process.threadCpuUsage(began)
    const micros = (system + user) / (rounds * asked.length)
    assert.strictEqual(found, 0)
    // Some 2 µs of the thread's own time, however busy the machine is; a list that is searched takes milliseconds.
    assert.isBelow(micros, 50, `${micros.toFixed(2)} µs`)
  })
})
