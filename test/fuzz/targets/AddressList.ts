/**
 * A list of peers to import: every entry is accounted for, each peer stands there once, what is refused has a line and a reason, and what
 * was read comes back from a list of the same peers. An input is the file.
 */
import * as AddressList from "../../../src/domain/peer/AddressList.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { randomFrom } from "../../harness/random.ts"
import * as Mutator from "../Mutator.ts"
import { ensure, same, show, type Target, utf8 } from "../Target.ts"

const networkPort = 24_100
const toText = new TextDecoder()

const addresses = [
  ..."203.0.113.7:24100 10.0.0.1:1 [2001:db8::7]:65535 [::ffff:10.0.0.1]:5 10.0.0.1 10.0.0.1:0 10.0.0.1:65536".split(
    " "
  ),
  ..."::1 [::1]:24100 fe80::1%eth0 [fe80::1%eth0]:5 0.0.0.0:1 255.255.255.255:9 256.0.0.1:1 010.0.0.1:1 x é \u0000"
    .split(" "),
  ..."[10.0.0.1]:5 10.0.0.1:00005 :5 [] []:5 [::]:5 ::ffff:1.2.3.4 1.2.3.4:5:6 10.0.0.1:51234".split(" ")
]

const entry = (random: Mutator.Random): unknown => {
  const address = random(3) === 0
    ? Mutator.pick(random, addresses) ?? ""
    : `10.${random(3)}.0.${random(4)}:${random(2) === 0 ? networkPort : 1 + random(65_535)}`
  const form = random(6)
  if (form === 0) return { address }
  return form === 1 ? { address: address.replace(/:\d+$/, ""), port: random(70_000) } : address
}

const text = (random: Mutator.Random): string => {
  const entries = Array.from({ length: random(12) }, () => entry(random))
  const lines = () => entries.map((item) => typeof item === "string" ? item : JSON.stringify(item)).join("\n")
  const form = random(4)
  if (form === 0) return JSON.stringify(entries, undefined, random(3))
  return form === 1 ? JSON.stringify({ version: 1, peers: entries }) : lines()
}

export const target: Target = {
  name: "addresslist",
  about: "a list of peers to import: each entry is a peer, merged into one, or refused with its line and a reason",
  unit: "a file",
  suffix: "txt",
  mostBytes: 12 * 1024,
  tokens: [
    ...addresses,
    ..."{ } [ ] , : \" # \"address\" \"port\" \"peers\" 24100 51234 1e0 null true \"__proto__\" \\u0031 \\ud800 \ufeff"
      .split(" "),
    "\n",
    "\r\n"
  ].map(utf8),
  seeds: (seed) => {
    const random = randomFrom(seed)
    return Array.from({ length: 60 }, () => utf8(text(random)))
  },
  mutate: (_, random) => random(2) === 0 ? utf8(text(random)) : undefined,
  run: (input) => {
    const file = toText.decode(input)
    const { merged, peers, read, refused } = AddressList.read(file, networkPort)
    ensure(
      read === merged + peers.length + refused.length,
      () => `${read} read, ${merged} merged, ${peers.length} peers`
    )
    const ips = peers.map(({ address }) => address.ip)
    ensure(new Set(ips).size === ips.length, () => `a peer twice: ${show(ips)}`)
    for (const { address: { ip, port } } of peers) {
      ensure(PeerIp.fromStringUnsafe(ip) === ip, () => `${ip} is not canonical`)
      ensure(Number.isInteger(port) && port >= 1 && port <= 65_535, () => `port ${port}`)
      ensure(PeerIp.classOf(ip) !== "special", () => `${ip} is no peer's`)
    }
    const lines = file.split(/\r\n|\r|\n/).length
    for (const { line, reason } of refused) {
      ensure(line >= 1 && line <= lines, () => `line ${line} of ${lines}`)
      ensure(reason !== "", () => "no reason")
    }
    const again = AddressList.read(peers.map(({ address }) => PeerAddress.format(address)).join("\n"), networkPort)
    ensure(same(again.peers.map(({ address }) => address), peers.map(({ address }) => address)), () => show(again))
    return 1
  }
}
