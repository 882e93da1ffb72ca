/** The situations whose cause is the kernel's network, on real hosts: network namespaces. See test/layers/peer/situations.test.ts. */
import { assert, describe } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { e2e, main } from "./program.ts"

const hosts = fileURLToPath(new URL("situationHosts.ts", import.meta.url))

const probe = "ip link add one type veth peer name two && ip route add prohibit 10.77.0.1 && command -v nsenter prlimit"

/** Hosts with a cable between them can be made here. */
const possible = spawnSync("unshare", ["-rn", "sh", "-c", probe]).status === 0

interface Line {
  readonly name: string
  readonly situation?: string
  readonly text?: string
  readonly backMs?: number
  readonly told?: boolean
  readonly record?: { readonly failures: number; readonly connection?: unknown }
  readonly status?: {
    readonly state: string
    readonly missing?: ReadonlyArray<{ readonly situation: string }>
    readonly apart?: Readonly<Record<string, number>>
    readonly stats: { readonly refusedByReason: Readonly<Record<string, number>> }
  }
}

/** By name: the situation, and what the text says. */
const table: ReadonlyArray<readonly [name: string, situation: string, text: RegExp]> = [
  ["connected", "connected", /^Connected for /],
  ["refused", "refused", /refuses connections at port 24200 \(ECONNREFUSED\).*To do: start the node there/],
  ["not-timemesh", "not-timemesh", /does not speak the protocol.*To do: correct the port with --peer IP:PORT/],
  ["unreachable", "unreachable", /\(EHOSTUNREACH\).*ip route get 10\.55\.0\.99/],
  ["prohibited", "firewall", /route of this host forbids the dial \(EACCES\).*EACCES, local/],
  ["no-answer", "no-answer", /nothing answers at port 24200 \(ETIMEDOUT\).*ETIMEDOUT, remote/],
  ["no-route", "no-route", /no route to it \(ENETUNREACH\), though it reaches other peers.*ENETUNREACH, local/],
  ["blackhole", "system", /refuses the dial \(EINVAL\).*EINVAL, local/],
  ["no-family", "no-family", /this host has no IPv6 address/],
  ["own-address", "own-address", /this node's own address: an interface of this host has it/],
  [
    "second-node-here",
    "second-node-here",
    /another node behind this node's public address.*To do: run one node per public IP/
  ],
  [
    "network-down",
    "network-down",
    /this host has no network \(ENETUNREACH\).*To do: check the cable.*ENETUNREACH, local/
  ],
  ["no-family, without network", "no-family", /this host has no IPv6 address/],
  ["network-down, later", "network-down", /Last connection: up for .*Last attempt: .*ENETUNREACH, local/],
  ["no address", "network-down", /this host has no network/],
  ["no free port", "resources", /\(EADDRNOTAVAIL\).*ss -s.*EADDRNOTAVAIL, local/],
  ["resources", "resources", /\(EMFILE\).*ulimit -n.*EMFILE, local/],
  ["moved", "moved", /is now at 10\.55\.0\.9/],
  ["configured, and moved", "alias", /connected as 10\.55\.0\.9/]
]

const returns = ["the link", "the address", "the ports", "the descriptors"].map((what) => `back after ${what}`)

describe.skipIf(!possible)(`situations${possible ? "" : " (skipped: no network namespaces here)"}`, () => {
  e2e(
    "of real hosts are told with cause and fix, and own faults end at once",
    (directory, fs) =>
      Effect.gen(function*() {
        const child = yield* ChildProcess.make("unshare", ["-rn", process.execPath, hosts, main, directory], {
          forceKillAfter: 6_000
        })
        const text = yield* Stream.mkString(Stream.decodeText(child.stdout))
        const lines = new Map(
          text.trim().split("\n").map((line) => {
            const said = JSON.parse(line) as Line
            return [said.name, said] as const
          })
        )
        const log = yield* fs.readFileString(`${directory}/one.log`)
        for (const name of returns) {
          const said = lines.get(name)
          assert.isDefined(said?.record?.connection, `${name}: ${said?.text}`)
          assert.isBelow(said?.backMs ?? Infinity, 12_000, name)
        }
        for (const [name, situation, words] of table) {
          const said = lines.get(name)
          assert.strictEqual(said?.situation, situation, `${name}: ${said?.text}\n${log}`)
          assert.match(said?.text ?? "", words, name)
        }
        // An own fault says nothing about the peer.
        for (const name of ["network-down", "network-down, later"]) {
          assert.strictEqual(lines.get(name)?.record?.failures, 0, name)
        }
        const { state = "", apart, missing = [] } = lines.get("network-down, later")?.status ?? {}
        assert.match(state, /^Connected to none of 8 known peers; \d of them: this host has no network/)
        assert.strictEqual(missing[0]?.situation, "network-down")
        assert.deepStrictEqual(apart, { "no-family": 1 })
        const local = lines.get("link-local")
        assert.isTrue(local?.told)
        assert.isAtLeast(local?.status?.stats.refusedByReason["address"] ?? 0, 1)
        assert.match(log, /inbound attempt from fe80:[^"]*is a link-local address/)
        assert.isTrue(lines.get("accepts failed")?.told)
        assert.match(log, /cannot accept connections: [^"]*raise the limit of open files/)
        const second = yield* fs.readFileString(`${directory}/second.log`)
        assert.match(second, /"level":"WARN"[^\n]*in-use[^\n]*run one node per public IP/)
      })
  )
})
