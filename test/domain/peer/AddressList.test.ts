import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as AddressList from "../../../src/domain/peer/AddressList.ts"

const port = 24_100
const read = (text: string) => {
  const list = AddressList.read(text, port)
  assert.strictEqual(list.read, list.merged + list.peers.length + list.refused.length, "every entry is accounted for")
  return { ...list, peers: list.peers.map(({ address }) => [address.ip, address.port]) }
}

describe("AddressList", () => {
  const expected = [["203.0.113.7", port], ["203.0.113.8", 5_000], ["2001:db8::7", 24_100]]
  for (
    const [form, text] of [
      ["lines", "203.0.113.7\n203.0.113.8:5000\n[2001:db8::7]:24100\n"],
      [
        "lines with comments, blanks and Windows ends",
        "\uFEFF# peers\r\n203.0.113.7 # one\r\n\r\n 203.0.113.8:5000\r\n2001:db8::7"
      ],
      ["an array", "[\"203.0.113.7\", \"203.0.113.8:5000\", \"[2001:db8::7]:24100\"]"],
      [
        "an array of objects",
        "[{\"address\": \"203.0.113.7\"}, {\"address\": \"203.0.113.8\", \"port\": 5000, \"seen\": 1}, {\"address\": \"2001:db8::7\", \"port\": 24100}]"
      ],
      [
        "an object with one array",
        "{\"version\": 1, \"peers\": [\"203.0.113.7:24100\", \"203.0.113.8:5000\", \"[2001:db8::7]:24100\"]}"
      ],
      [
        "objects per line",
        "{\"address\": \"203.0.113.7\"}\n{\"address\": \"203.0.113.8:5000\"}\n{\"address\": \"2001:db8::7\"}\n"
      ]
    ] as const
  ) {
    it(`reads ${form}`, () => {
      const { merged, peers, read: count, refused } = read(text)
      assert.deepStrictEqual({ count, merged, peers, refused }, { count: 3, merged: 0, peers: expected, refused: [] })
    })
  }

  it("reads one object, and nothing", () => {
    assert.deepStrictEqual(read("{\"address\": \"203.0.113.7:1\"}").peers, [["203.0.113.7", 1]])
    assert.deepStrictEqual(read("").peers, [])
    assert.deepStrictEqual(read("[]").peers, [])
  })

  it("one node with five ports is one peer, at the network's port", () => {
    const ports = [51_234, 40_001, port, 33_000, 60_999]
    for (let i = 0; i < ports.length; i++) {
      const rotated = [...ports.slice(i), ...ports.slice(0, i)]
      const { merged, peers } = read(rotated.map((p) => `203.0.113.7:${p}`).join("\n"))
      assert.deepStrictEqual({ merged, peers }, { merged: 4, peers: [["203.0.113.7", port]] })
    }
    assert.deepStrictEqual(read("203.0.113.7:51234\n203.0.113.7").peers, [["203.0.113.7", port]])
    assert.deepStrictEqual(read("203.0.113.7:51234\n203.0.113.7:5000\n203.0.113.7:40000").peers, [[
      "203.0.113.7",
      5_000
    ]])
    assert.deepStrictEqual(read("203.0.113.7:5000\n203.0.113.7:24100\n203.0.113.7:6000").peers, [["203.0.113.7", port]])
    assert.deepStrictEqual(read("203.0.113.7:51234").peers, [["203.0.113.7", 51_234]])
  })

  it("spellings of one address are one peer", () => {
    const { merged, peers } = read(
      "203.0.113.7\n::ffff:203.0.113.7\n[::ffff:cb00:7107]:24100\n2001:DB8:0::7\n2001:db8::7"
    )
    assert.deepStrictEqual(peers, [["203.0.113.7", port], ["2001:db8::7", port]])
    assert.strictEqual(merged, 3)
  })

  it("refuses what is no address, with its line and the reason, and keeps the rest", () => {
    const { peers, refused } = read(
      "203.0.113.7\nseed.example.org:24100\n\n0.0.0.0:1\n203.0.113.8:0\n{\"address\": \n203.0.113.9"
    )
    assert.deepStrictEqual(peers, [["203.0.113.7", port], ["203.0.113.9", port]])
    assert.deepStrictEqual(refused.map(({ line, text }) => [line, text]), [
      [2, "seed.example.org:24100"],
      [4, "0.0.0.0:1"],
      [5, "203.0.113.8:0"],
      [6, "{\"address\":"]
    ])
    assert.deepStrictEqual(refused.map(({ reason }) => reason === ""), [false, false, false, false])
    assert.strictEqual(refused[1]?.reason, "not a unicast address")
  })

  it("names the lines of a JSON array's entries", () => {
    const { refused } = read(
      "[\n  \"203.0.113.7\",\n  \"rubbish\",\n  {\"port\": 5},\n  {\"address\": 7},\n  {\n    \"address\": \"x\"\n  }, 9\n]"
    )
    assert.deepStrictEqual(refused.map(({ line }) => line), [3, 3, 5, 7, 8])
    assert.strictEqual(refused[1]?.text, "{\"port\":5}")
  })

  for (
    const [form, text] of [
      [
        "an object keyed by address",
        "{\"203.0.113.7:24100\": {\"seen\": 1}, \"203.0.113.8:5000\": 2, \"[2001:db8::7]:24100\": null}"
      ],
      [
        "such an object in a field",
        "{\"version\": 1, \"known\": {\"203.0.113.7\": {}, \"203.0.113.8:5000\": {}, \"2001:db8::7\": {}}}"
      ],
      [
        "a list within an object within an object",
        "{\"data\": {\"at\": 5, \"peers\": [\"203.0.113.7\", \"203.0.113.8:5000\", \"2001:db8::7\"]}}"
      ],
      ["texts per line", "\"203.0.113.7\"\n\"203.0.113.8:5000\"\n\"[2001:db8::7]\"\n"],
      [
        "objects with ip, and ports as texts",
        "[{\"ip\": \"203.0.113.7\"}, {\"ip\": \" 203.0.113.8 \", \"port\": \"5000\"}, {\"address\": \"[2001:db8::7]\", \"port\": 24100}]"
      ],
      [
        "lines with blanks, tabs and a comment",
        "\t203.0.113.7 \n  203.0.113.8:5000#a#b\n\u00a02001:db8::7\n# \u2028 203.0.113.9"
      ]
    ] as const
  ) {
    it(`reads ${form}`, () => {
      const { merged, peers, read: count, refused } = read(text)
      assert.deepStrictEqual({ count, merged, peers, refused }, { count: 3, merged: 0, peers: expected, refused: [] })
    })
  }

  it("takes the list named peers, and refuses each entry of another one", () => {
    const { peers, refused } = read("{\"banned\": [\"203.0.113.1\"],\n\"peers\": [\"203.0.113.7\"]}")
    assert.deepStrictEqual(peers, [["203.0.113.7", port]])
    assert.deepStrictEqual(refused, [{ line: 1, text: "203.0.113.1", reason: "it is in \"banned\", not in \"peers\"" }])
    assert.strictEqual(read("{\"a\": [\"203.0.113.1\"], \"b\": [\"203.0.113.2\", 3]}").refused.length, 3)
  })

  it("refuses ports that are none, and takes any other that the operator names", () => {
    const { peers, refused } = read(
      "203.0.113.1:0\n203.0.113.2:65536\n203.0.113.3:1023\n203.0.113.4:65535\n203.0.113.5:"
    )
    assert.deepStrictEqual(peers, [["203.0.113.3", 1_023], ["203.0.113.4", 65_535]])
    assert.deepStrictEqual(refused.map(({ line }) => line), [1, 2, 5])
    const wrong = [0, 65_536, 1.5, -1, true, [], {}, "x", "70000"]
    const objects = read(JSON.stringify(wrong.map((given) => ({ address: "203.0.113.7", port: given }))))
    assert.deepStrictEqual(objects.peers, [])
    assert.deepStrictEqual(
      new Set(objects.refused.map(({ reason }) => reason)),
      new Set(["its port is not 1 to 65535"])
    )
    assert.deepStrictEqual(read("[{\"address\": \"203.0.113.7\", \"port\": null}]").peers, [["203.0.113.7", port]])
    for (const given of [1, 65_535]) {
      assert.deepStrictEqual(read(`[{"address": "203.0.113.7", "port": ${given}}]`).peers, [["203.0.113.7", given]])
    }
  })

  it("is JSON where it begins as a list or an object, after any space", () => {
    assert.deepStrictEqual(read(" \n[\"203.0.113.7\"]").peers, [["203.0.113.7", port]])
    assert.deepStrictEqual(read("5").refused, [{
      line: 1,
      text: "5",
      reason: "write it as 203.0.113.7 or 2001:db8::7"
    }])
    // A text by itself is a line, which ends at a comment.
    assert.deepStrictEqual(read("\"x#[\"").refused.map(({ text }) => text), ["\"x"])
    const notJson = "not JSON; write IP, IP:PORT or {\"address\": \"IP:PORT\"}"
    assert.deepStrictEqual(read("{x\nx{").refused.map(({ reason }) => reason === notJson), [true, false])
    assert.deepStrictEqual(read("203.0.\uFEFF113.7").peers, [], "a byte order mark is one at the start only")
  })

  it("has its list beside single values and other objects, within five objects at most", () => {
    const one = [["203.0.113.7", port]]
    const list = "[\"203.0.113.7\"]"
    assert.deepStrictEqual(read(`{"version": 1, "data": {"peers": ${list}}}`).peers, one)
    assert.deepStrictEqual(read(`{"peers": ${list}, "meta": {"a": 1}}`).peers, one)
    const within = (objects: number): string => objects === 0 ? list : `{"a": ${within(objects - 1)}}`
    assert.deepStrictEqual(read(within(5)).peers, one)
    assert.lengthOf(read(within(6)).refused, 1)
  })

  it("refuses an entry without an address, and a port that is only like one", () => {
    const reasons = (json: string) => read(json).refused.map(({ reason }) => reason)
    const none = "no address; write \"IP:PORT\" or {\"address\": \"IP:PORT\"}"
    assert.deepStrictEqual(reasons("[null, {\"address\": null}, {\"ip\": null}]"), [none, none, none])
    assert.deepStrictEqual(reasons("[{\"address\": 7}]"), ["its address is not a text"])
    const ports = ["[7]", "\"0x10\"", "\"+5\""].map((given) => `{"address": "203.0.113.7", "port": ${given}}`)
    assert.deepStrictEqual(reasons(`[${ports.join()}]`), ports.map(() => "its port is not 1 to 65535"))
    assert.lengthOf(reasons("[{\"address\": \"]::1\", \"port\": 5}]"), 1)
  })

  it("takes the port that an address has before the one beside it, and an IPv6 address whole", () => {
    assert.deepStrictEqual(
      read("[{\"address\": \"203.0.113.7:5000\", \"port\": 6000}, {\"address\": \"1:2::7\", \"port\": 5000}]").peers,
      [["203.0.113.7", 5_000], ["1:2::7", 5_000]]
    )
    assert.deepStrictEqual(
      read("[{\"address\": \"[2001:db8::7]:5000\", \"port\": 6000}, {\"address\": \"1:[2::7\", \"port\": 5}]").peers,
      [["2001:db8::7", 5_000]]
    )
  })

  it("prefers the network's port, then the first one below those for outgoing connections", () => {
    const least = Limits.ephemeralPortLeast
    const { likelier } = AddressList
    assert.strictEqual(likelier(least, 5_000, port), 5_000)
    assert.strictEqual(likelier(least + 1, least, port), least + 1)
    assert.strictEqual(likelier(6_000, 5_000, port), 6_000)
    assert.strictEqual(likelier(5_000, least, port), 5_000)
    assert.deepStrictEqual([likelier(least, 5_000, least), likelier(5_000, least, least)], [least, least])
  })

  it("shows a refused entry up to 80 characters", () => {
    const shown = (count: number) => read("x".repeat(count)).refused.map(({ text }) => text)
    assert.deepStrictEqual(shown(Limits.refusedTextCharacters), ["x".repeat(Limits.refusedTextCharacters)])
    assert.deepStrictEqual(shown(Limits.refusedTextCharacters + 1), [`${"x".repeat(Limits.refusedTextCharacters)}…`])
  })

  it("says of an entry that is nested too deeply to show what it is", () => {
    const deep = `[${"[".repeat(20_000)}${"]".repeat(20_000)}]`
    assert.deepStrictEqual(read(deep).refused.map(({ text }) => text), ["a deeply nested list"])
  })

  it("is keyed by address where one key is, and refuses the other keys", () => {
    const { peers, refused } = read("{\" 203.0.113.7 \": {}}")
    assert.deepStrictEqual([peers, refused], [[["203.0.113.7", port]], []])
    const mixed = read("{\"203.0.113.7\": {},\n\"note\": {}}")
    assert.deepStrictEqual(mixed.peers, [["203.0.113.7", port]])
    assert.deepStrictEqual(mixed.refused.map(({ line, text }) => [line, text]), [[2, "note"]])
    assert.deepStrictEqual(read("[\" 203.0.113.7 \"]").peers, [["203.0.113.7", port]])
  })

  it("is one entry where it has an address, whatever else it has, and where it has no list", () => {
    const list = "[\"203.0.113.8\"]"
    assert.deepStrictEqual(read(`{"address": "203.0.113.7", "peers": ${list}}`).peers, [["203.0.113.7", port]])
    assert.deepStrictEqual(read("{\"a\": 1}").refused.map(({ text }) => text), ["{\"a\":1}"])
    assert.deepStrictEqual(read(`{"a": {"b": ${list}}, "c": {}}`).peers, [], "of two objects, neither is the list")
  })

  it("looks for lines until too many entries are not written as JSON writes them", () => {
    const lineAfter = (misses: number) => {
      const unusual = Array.from({ length: misses }, (_, i) => `"\\u0032.0.0.${i}"`)
      return read(`\n[${[...unusual, "\"undefined\""].join(",\n")}]`).refused[0]?.line
    }
    assert.strictEqual(lineAfter(0), 2)
    assert.strictEqual(lineAfter(Limits.addressListMisses - 1), Limits.addressListMisses + 1)
    assert.strictEqual(lineAfter(Limits.addressListMisses), 1)
  })

  it("is read in a time that does not grow with the square of a line's or a file's length", () => {
    const long = 300_000
    const hostile = [
      ":".repeat(long) + "[",
      "#".repeat(long) + "\u2028",
      "x".repeat(long),
      "[".repeat(long),
      "[".repeat(50_000) + "]".repeat(50_000),
      "[" + "[".repeat(50_000) + "]".repeat(50_000) + ",\"203.0.113.7\"]",
      // Written as JSON need not be: none is found where it stands.
      "[" + Array.from({ length: 10_000 }, (_, i) => `{ "n": ${i} }`).join(",\n") + "]",
      "[" + Array.from({ length: 10_000 }, (_, i) => `"\\u0032.0.${i >> 8}.${i & 255}"`).join(",\n") + "]"
    ]
    const counts = hostile.map((text) => {
      const { peers, read: count, refused } = read(text)
      return [count, peers.length, refused.length]
    })
    assert.deepStrictEqual(counts, [
      [1, 0, 1],
      [0, 0, 0],
      [1, 0, 1],
      [1, 0, 1],
      [1, 0, 1],
      [2, 1, 1],
      [10_000, 0, 10_000],
      [10_000, 10_000, 0]
    ])
  })

  it("100,000 entries of 20,000 nodes, and rubbish in between", () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => {
      const node = i % 20_000
      const ip = `203.${node >> 8}.${node & 255}.1`
      return i % 1_000 === 999 ? `rubbish ${i}` : `${ip}:${i < 20_000 ? port : 32_768 + (i % 20_000)}`
    })
    const { merged, peers, refused } = read(lines.join("\n"))
    assert.strictEqual(refused.length, 100)
    assert.strictEqual(peers.length, 19_980)
    assert.strictEqual(merged, 100_000 - 100 - 19_980)
    assert.isTrue(peers.every(([, p]) => p === port))
    assert.strictEqual(refused[0]?.line, 1_000)
  })
})
