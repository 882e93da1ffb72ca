/** The votes on this node's own address: by netgroup, by scope, against lies. */
import { assert, describe, it } from "@effect/vitest"
import * as OwnAddress from "../../../src/domain/peer/OwnAddress.ts"
import * as OwnAddressText from "../../../src/domain/peer/OwnAddressText.ts"
import { fromStringUnsafe as ip } from "../../../src/domain/peer/PeerIp.ts"

const said = (...votes: ReadonlyArray<readonly [from: string, seen: string]>): ReadonlyArray<OwnAddress.Observation> =>
  votes.map(([from, seen]) => ({ from: ip(from), seen: ip(seen) }))

const ours = "203.0.113.9"
const three = said(["50.1.0.1", ours], ["60.1.0.1", ours], ["70.1.0.1", ours])

const facts: OwnAddress.Facts = {
  announced: undefined,
  host: [ip(ours)],
  reachable: "unknown",
  hasSecondNode: false,
  confirmed: []
}

describe("the votes on an own address", () => {
  it("take three netgroups, and more than half", () => {
    const confirmed = (votes: ReadonlyArray<OwnAddress.Observation>) => OwnAddress.confirmed(OwnAddress.count(votes))
    assert.deepStrictEqual(confirmed(three.slice(0, 2)), [])
    assert.deepStrictEqual(confirmed(three), [ip(ours)])
    const lies = said(["80.1.0.1", "198.51.100.1"], ["90.1.0.1", "198.51.100.1"], ["95.1.0.1", "198.51.100.1"])
    assert.deepStrictEqual(confirmed([...three, ...lies]), [], "three of six are no majority")
    assert.deepStrictEqual(confirmed([...three, ...lies.slice(0, 2)]), [ip(ours)])
  })

  it("list an address that no peer can have last", () => {
    const seen = OwnAddress.count(said(["50.1.0.1", "0.0.0.0"], ["60.1.0.1", "127.0.0.1"], ["70.1.0.1", ours]))
    assert.deepStrictEqual(seen.map(({ ip }) => ip), [ip(ours), ip("127.0.0.1"), ip("0.0.0.0")])
  })

  it("count a netgroup once, however many of its peers speak", () => {
    const crowd = Array.from({ length: 100 }, (_, i) => ({ from: ip(`80.1.0.${i}`), seen: ip("198.51.100.1") }))
    assert.deepStrictEqual(OwnAddress.count([...three, ...crowd]), [{
      ip: ip(ours),
      groups: 3,
      of: 4,
      others: []
    }])
    // Within a netgroup its majority speaks.
    const [seen] = OwnAddress.count([...crowd.slice(0, 1), ...said(["80.1.9.1", ours], ["80.1.9.2", ours])])
    assert.strictEqual(seen?.ip, ip(ours))
  })

  it("do not depend on the order in which peers speak", () => {
    const votes = [...three, ...said(["80.1.0.1", "198.51.100.1"], ["90.1.0.1", "198.51.100.2"])]
    for (let turn = 0; turn < votes.length; turn++) {
      votes.push(...votes.splice(0, 1))
      assert.deepStrictEqual(OwnAddress.count(votes).map(({ ip }) => ip), [ip(ours)])
    }
  })

  it("keep the internet, a private network, the host and both families apart", () => {
    const seen = OwnAddress.count([
      ...three,
      ...said(["10.0.0.2", "10.0.0.1"], ["127.0.0.2", "127.0.0.1"], ["2001:db9::1", "2001:db8::1"])
    ])
    assert.deepStrictEqual(seen.map(({ groups, ip, of }) => [ip, groups, of]), [
      [ip(ours), 3, 3],
      [ip("2001:db8::1"), 1, 1],
      [ip("10.0.0.1"), 1, 1],
      [ip("127.0.0.1"), 1, 1]
    ])
  })
})

describe("how a node stands with its own address", () => {
  const cases: ReadonlyArray<
    readonly [
      name: string,
      votes: ReadonlyArray<OwnAddress.Observation>,
      facts: Partial<OwnAddress.Facts>,
      ip: string | undefined,
      notices: ReadonlyArray<OwnAddress.Notice>
    ]
  > = [
    ["nobody says anything", [], {}, undefined, ["unseen"]],
    ["one peer says it", three.slice(0, 1), {}, ours, ["unconfirmed"]],
    ["enough peers say it", three, {}, ours, []],
    [
      "peers disagree",
      said(["50.1.0.1", ours], ["60.1.0.1", "203.0.113.10"]),
      {},
      undefined,
      ["disagreement"]
    ],
    [
      "a router gives each connection another address",
      said(["50.1.0.1", "203.0.113.1"], ["60.1.0.1", "203.0.113.2"], ["70.1.0.1", "203.0.113.3"]),
      {},
      undefined,
      ["disagreement"]
    ],
    ["another one is announced", three, { announced: ip("203.0.113.8"), host: undefined }, "203.0.113.8", ["mismatch"]],
    ["the announced one", three, { announced: ip(ours) }, ours, []],
    ["behind a router", three, { host: [ip("192.168.0.2")] }, ours, ["translated"]],
    ["behind a router, listening inside", three, { announced: ip("192.168.0.2"), host: [ip("192.168.0.2")] }, ours, [
      "translated"
    ]],
    [
      "in a private network with a public address announced",
      said(["10.0.0.2", "10.0.0.1"]),
      { announced: ip(ours) },
      ours,
      []
    ],
    [
      "at two addresses",
      [...three, ...said(["80.1.0.1", "203.0.113.10"], ["90.1.0.1", "203.0.113.10"])],
      { host: [ip(ours), ip("203.0.113.10")] },
      ours,
      ["several"]
    ],
    ["not reachable", three, { reachable: "no" }, ours, ["unreachable"]],
    ["a second node", three, { hasSecondNode: true }, ours, ["second-node"]],
    ["confirmed before, no peer now", [], { confirmed: [ip(ours)] }, ours, ["unseen"]],
    ["confirmed in two scopes before: the internet's", [], { confirmed: [ip("10.0.0.1"), ip(ours)] }, ours, ["unseen"]],
    ["confirmed in a private network before", [], { confirmed: [ip("10.0.0.1")] }, "10.0.0.1", ["unseen"]],
    ["confirmed before, seen only by its own host", said(["127.0.0.2", "127.0.0.1"]), { confirmed: [ip(ours)] }, ours, [
      "unconfirmed"
    ]],
    ["listening inside, no peer now", [], { announced: ip("192.168.0.2") }, "192.168.0.2", ["unseen"]],
    [
      "listening inside, confirmed outside before",
      [],
      { announced: ip("192.168.0.2"), confirmed: [ip(ours)] },
      ours,
      ["unseen"]
    ],
    [
      "listening inside, and peers outside disagree",
      said(["50.1.0.1", ours], ["60.1.0.1", "203.0.113.10"]),
      { announced: ip("192.168.0.2") },
      "192.168.0.2",
      []
    ],
    [
      "listening inside, seen inside at another address",
      said(["10.0.0.2", "10.0.0.1"]),
      { announced: ip("192.168.0.2") },
      "192.168.0.2",
      ["mismatch"]
    ],
    ["in a private network, not on an interface of the host", said(["10.0.0.2", "10.0.0.1"]), {}, "10.0.0.1", [
      "unconfirmed"
    ]]
  ]
  for (const [name, votes, change, own, notices] of cases) {
    it(name, () => {
      const view = OwnAddress.view(OwnAddress.count(votes), { ...facts, ...change })
      assert.deepStrictEqual([view.ip, view.notices], [own === undefined ? undefined : ip(own), notices])
      const report = OwnAddressText.report(view, { port: 24_100, failure: "no-answer" })
      for (const { cause, fix, notice } of report.notices) {
        assert.isFalse([cause, fix ?? ""].some((text) => /undefined|\.$|\?/.test(text)), `${notice}: ${cause}; ${fix}`)
      }
      if (own !== undefined) assert.include(report.line, own)
    })
  }

  it("is confirmed where its own address is, and nothing else is", () => {
    const isConfirmed = (votes: ReadonlyArray<OwnAddress.Observation>, change: Partial<OwnAddress.Facts> = {}) =>
      OwnAddress.view(OwnAddress.count(votes), { ...facts, ...change }).isConfirmed
    assert.isTrue(isConfirmed(three))
    assert.isFalse(isConfirmed(three.slice(0, 1)))
    assert.isFalse(isConfirmed([]))
    assert.isFalse(isConfirmed(three, { announced: ip("203.0.113.8") }), "another address is confirmed")
  })

  it("has the other addresses that two netgroups name", () => {
    const other = said(["80.1.0.1", "203.0.113.10"], ["90.1.0.1", "203.0.113.10"], ["95.1.0.1", "203.0.113.11"])
    assert.deepStrictEqual(OwnAddress.count([...three, ...other])[0]?.others, [ip("203.0.113.10")])
  })

  it("says what to do where something is to be done", () => {
    const advised = OwnAddress.notices.filter((notice) =>
      OwnAddressText.of(notice, OwnAddress.view([], facts), { port: 1, failure: undefined }).fix !== undefined
    )
    assert.deepStrictEqual(advised, OwnAddress.notices.filter((notice) => !/^un(seen|confirmed)$/.test(notice)))
  })
})

describe("a node that announces a private address", () => {
  const announced = ip("10.0.0.5")
  const confirmed = [ip("10.0.0.9")]

  it("has the address that most peers see from outside, not another private one", () =>
    assert.strictEqual(OwnAddress.view(OwnAddress.count(three), { ...facts, announced, confirmed }).ip, ip(ours)))

  it("has the announced one where none is seen from outside", () =>
    assert.strictEqual(OwnAddress.view([], { ...facts, announced, confirmed }).ip, announced))
})
