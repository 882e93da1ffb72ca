/**
 * Where a node asks for its first peers: a DNS name that resolves to addresses of nodes, or one address of a list. Text: `NAME`,
 * `NAME:PORT`, `IP`, `IP:PORT` or `[IPv6]:PORT`.
 */
import { Result } from "effect"
import * as Limits from "../Limits.ts"
import * as PeerAddress from "./PeerAddress.ts"

/** `name`: lower case, without a trailing dot. `port`: listening port of the nodes in its answer. */
export type Seed =
  | { readonly _tag: "Name"; readonly name: string; readonly port: number }
  | { readonly _tag: "Address"; readonly address: PeerAddress.PeerAddress }

const label = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
const names = new RegExp(`^${label}(?:\\.${label})*$`)

/** The failure is worded to follow the text. */
export const fromString = (text: string, defaultPort: number): Result.Result<Seed, string> => {
  const address = PeerAddress.fromString(text, defaultPort)
  if (Result.isSuccess(address)) return Result.succeed({ _tag: "Address", address: address.success })
  const [, host = "", digits] = /^([^:]*?)\.?(?::(\d{1,5}))?$/.exec(text.toLowerCase()) ?? []
  const port = digits === undefined ? defaultPort : Number(digits)
  // A name of digits only is an invalid address.
  const isName = names.test(host) && host.length <= Limits.hostNameCharacters && !/^[0-9.]+$/.test(host)
  if (!isName) return Result.fail("is neither a host name nor an IP address")
  return port < 1 || port > 65_535
    ? Result.fail("has an invalid port")
    : Result.succeed({ _tag: "Name", name: host, port })
}

export const format = (seed: Seed): string =>
  seed._tag === "Name" ? `${seed.name}:${seed.port}` : PeerAddress.format(seed.address)
