import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { configOf, json, load, textOf, type Told } from "../../harness/daemonConfig.ts"

describe("how settings are written", () => {
  it.effect("YAML and TOML say the same as JSON", () =>
    Effect.gen(function*() {
      const yaml = yield* configOf({ file: ["/c.yaml", "ping: 5s\nmax-peers: 9\npeer:\n  - 10.0.0.3\n"] })
      const toml = yield* configOf({ file: ["/c.toml", "ping = \"5s\"\nmax-peers = 9\npeer = [\"10.0.0.3\"]\n"] })
      const plain = yield* configOf({ file: json({ ping: "5s", "max-peers": 9, peer: ["10.0.0.3"] }) })
      assert.deepStrictEqual(yaml, plain)
      assert.deepStrictEqual(toml, plain)
    }))

  it.effect("spellings", () =>
    Effect.gen(function*() {
      const ping = (text: string) => Effect.map(configOf({ flags: { ping: [text] } }), ({ node }) => node.tuning.pingMs)
      assert.strictEqual(yield* ping("500ms"), 500)
      assert.strictEqual(yield* ping("1.5s"), 1_500)
      assert.strictEqual(yield* ping("20 seconds"), 20_000)
      for (const any of ["any", "0.0.0.0", "[::]", "::"]) {
        assert.deepStrictEqual((yield* configOf({ flags: { listen: [any] } })).node.listen, { ip: "any", port: 24_100 })
      }
      const config = yield* configOf({
        env: { TIMEMESH_LOG_LEVEL: "Debug", TIMEMESH_DATA_DIR: "~/x", TIMEMESH_PEER: "" }
      })
      assert.strictEqual(config.logLevel, "Debug")
      assert.strictEqual(config.dataDir, "/home/op/x")
      assert.strictEqual((yield* configOf({ flags: { network: ["devnet"] } })).node.listen.port, 24_200)
      const mapped = yield* configOf({ flags: { peer: ["::ffff:10.0.0.3", "10.0.0.3"] } })
      assert.strictEqual(mapped.node.peers.length, 1)
    }))

  it.effect("a variable that is not a setting is a warning with the nearest name", () =>
    Effect.gen(function*() {
      const { warnings } = yield* load({ env: { TIMEMESH_MAX_PEER: "3", TIMEMESH_PING: "5s", OTHER: "1" } })
      assert.deepStrictEqual(warnings, [
        "TIMEMESH_MAX_PEER is not a setting and is ignored; did you mean TIMEMESH_MAX_PEERS?"
      ])
    }))

  /** What to write instead. */
  const fixes = {
    listen: "use IP, IP:PORT, [IPv6]:PORT or any:PORT, for example 127.0.0.2:24100 or any:24100",
    advertise:
      "use the IP at which peers reach this node, and the port if that is another one: 203.0.113.7, 203.0.113.7:24100 or " +
      "[2001:db8::7]:24100",
    peer: "use the peer's IP, for example 203.0.113.7"
  }
  const bad: ReadonlyArray<readonly [Told, string]> = [
    [
      { env: { TIMEMESH_LISTEN: "1.2.3" } },
      "TIMEMESH_LISTEN: \"1.2.3\" is not a listen address; use IP, IP:PORT, [IPv6]:PORT or any:PORT, " +
      "for example 127.0.0.2:24100 or any:24100"
    ],
    [{ flags: { listen: ["any:70000"] } }, "--listen: \"any:70000\" has an invalid port; use a port from 0 to 65535"],
    [
      { flags: { listen: ["127.0.0.1:70000"] } },
      "--listen: \"127.0.0.1:70000\" is not a listen address; use a port from 0 to 65535"
    ],
    [
      { flags: { peer: ["10.0.0.9", "1.2.3"] } },
      "--peer: \"1.2.3\" is not a peer address; use IP, IP:PORT or [IPv6]:PORT, for example 203.0.113.7:24100 or " +
      "[2001:db8::7]:24100"
    ],
    [
      { flags: { peer: ["fe80::1%eth0"] } },
      "--peer: \"fe80::1%eth0\" is not a peer address: zone ids name an interface of one host, not a peer; " +
      "use IP, IP:PORT or [IPv6]:PORT"
    ],
    [
      { flags: { peer: ["0.0.0.0"] } },
      "--peer: \"0.0.0.0\" is not a unicast address; use the peer's IP, for example 203.0.113.7"
    ],
    [
      { flags: { peer: ["10.0.0.9:1", "10.0.0.9:2"] } },
      "--peer: \"10.0.0.9:2\" repeats 10.0.0.9 with another port (1 before); " +
      "a peer is its IP, so name each IP once"
    ],
    [
      { flags: { listen: ["127.0.0.1"], peer: ["127.0.0.1:9"] } },
      "--peer: \"127.0.0.1:9\" is this node itself (its --listen address); a peer is its IP, so each node on " +
      "this machine needs its own; use 127.0.0.2 for the other node"
    ],
    [
      { flags: { peer: ["::ffff:192.0.2.10"] } },
      "--peer: \"::ffff:192.0.2.10\" is this node itself (an address of this machine, and the node listens on all of them); " +
      "a peer is its IP, so each node on this machine needs its own; use 127.0.0.2 for the other node, and " +
      "--listen 127.0.0.1 for this one"
    ],
    [
      { file: json({ advertise: "203.0.113.1", peer: "203.0.113.1" }) },
      "peer in /etc/timemesh.json: \"203.0.113.1\" is this node itself (its --advertise address); a peer is its IP, so " +
      "each node on this machine needs its own; use 127.0.0.2 for the other node, and --listen 127.0.0.1 for this one"
    ],
    [
      { flags: { peer: ["127.0.0.7"] } },
      "--peer: \"127.0.0.7\" is this node itself (a loopback address, and the node listens on all of them at that " +
      "port); a peer is its IP, so each node on this machine needs its own; use 127.0.0.2 for the other node, and " +
      "--listen 127.0.0.1 for this one"
    ],
    [
      { flags: { ping: ["15"] } },
      "--ping: \"15\" is not a duration; use a number and a unit, for example 500ms, 15s, 2m or 1h"
    ],
    [{ flags: { ping: ["5ms"] } }, "--ping: \"5ms\" is out of range; use 100ms to 24h"],
    [
      { flags: { ping: ["20s"], dead: ["40s"] } },
      "--dead: dead (40s) must exceed twice ping (20s), or one lost pong closes the connection; " +
      "set dead above 40s, or lower ping"
    ],
    [
      { env: { TIMEMESH_PING: "30s" } },
      "TIMEMESH_PING: dead (45s) must exceed twice ping (30s), or one lost pong closes the connection; " +
      "set dead above 1m, or lower ping"
    ],
    [
      { flags: { "backoff-max": ["500ms"] } },
      "--backoff-max: backoff-max (500ms) is less than backoff-base (1s); set backoff-max to 1s or more"
    ],
    [{ flags: { "max-peers": ["0"] } }, "--max-peers: \"0\" is out of range; use 1 to 4096"],
    [
      { file: json({ "max-peers": "many" }) },
      "max-peers in /etc/timemesh.json: \"many\" is not a whole number; use a number from 1 to 4096"
    ],
    [
      { file: json({ "max-peer": 3 }) },
      "/etc/timemesh.json: \"max-peer\" is not a setting; did you mean \"max-peers\"? " +
      "timemesh run --help lists all settings"
    ],
    [
      { file: json({ listen: { ip: "127.0.0.1" } }) },
      "listen in /etc/timemesh.json: \"{\"ip\":\"127.0.0.1\"}\" is not a string or a number; use one string or number"
    ],
    [
      { file: json({ "data-dir": "" }) },
      "data-dir in /etc/timemesh.json: is empty; give it a value, or leave the key out"
    ],
    [
      { file: json({ peer: ["127.0.0.2", ""] }) },
      "peer in /etc/timemesh.json: an entry is empty; give it a value, or leave the entry out"
    ],
    [
      { file: json({ "data-dir": "/var/lib/n\uFFFDud" }) },
      "/etc/timemesh.json: is not UTF-8; save the file as UTF-8"
    ],
    [
      { file: json([]) },
      "/etc/timemesh.json: does not hold an object of settings; use the form " +
      "{\"listen\": \"127.0.0.1:24100\", \"peer\": [\"127.0.0.2\"]}"
    ],
    [{ flags: { network: ["main"] } }, "--network: \"main\" is not a network; use testnet, mainnet or devnet"],
    ...["0", "65536"].map((port) =>
      [
        { flags: { advertise: [`203.0.113.7:${port}`] } },
        `--advertise: "203.0.113.7:${port}" is not a public address: a port is 1 to 65535; use the IP at which peers reach this node, and ` +
        "the port if that is another one: 203.0.113.7, 203.0.113.7:24100 or [2001:db8::7]:24100"
      ] as const
    ),
    ...(["listen", "advertise", "peer"] as const).flatMap((flag) =>
      ["fe80::1", "169.254.3.4"].map((address) =>
        [
          { flags: { [flag]: [address] } },
          `--${flag}: "${address}" is a link-local address, which names another host on every link and so identifies no peer; ` +
          fixes[flag]
        ] as const
      )
    ),
    [
      { flags: { advertise: ["example.org"] } },
      "--advertise: \"example.org\" is not an IP address; write it as 203.0.113.7 or 2001:db8::7"
    ],
    [
      { flags: { listen: ["127.0.0.1:4000"], admin: ["127.0.0.1:4000"] } },
      "--admin: \"127.0.0.1:4000\" conflicts with the peer listen address; choose another port for the admin API"
    ],
    [
      { flags: { admin: ["localhost"] } },
      "--admin: \"localhost\" is not an admin API address; use IP:PORT, for example 127.0.0.1:24101, or off"
    ],
    [{ flags: { "log-format": ["xml"] } }, "--log-format: \"xml\" is not a log format; use pretty or json"],
    [
      { env: { TIMEMESH_LOG_LEVEL: "loud" } },
      "TIMEMESH_LOG_LEVEL: \"loud\" is not a log level; use all, trace, debug, info, warn, error, fatal or none"
    ]
  ]
  for (const [told, text] of bad) {
    it.effect(`refuses ${JSON.stringify(told)}`, () =>
      Effect.map(textOf(told), (printed) => {
        assert.strictEqual(printed, text)
      }))
  }

  it.effect("a file that is not JSON, YAML or TOML is named with the reason", () =>
    Effect.gen(function*() {
      assert.match(
        yield* textOf({ file: ["/c.json", "{\"a\": "] }),
        /^\/c\.json: is not valid JSON \(.+\); correct the file$/
      )
      assert.match(
        yield* textOf({ file: ["/c.yml", "a: ["] }),
        /^\/c\.yml: is not valid YAML \(.+\); correct the file$/
      )
      assert.match(
        yield* textOf({ file: ["/c.toml", "a = "] }),
        /^\/c\.toml: is not valid TOML \(.+\); correct the file$/
      )
    }))
})
