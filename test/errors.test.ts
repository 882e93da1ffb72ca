/** Every error class has a message that a person can read: in a log, a terminal, or an application's own. */
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"
import { ChainStoreError, Full } from "../src/services/ChainStore.ts"
import { NotConnected, SendError } from "../src/services/ConnectionManager.ts"

const address = { ip: "203.0.113.7", port: 24_100 }

/** What an error of each class is made of. A new class is added here. */
const samples: Readonly<Record<string, object>> = {
  AdminClientError: { address, kind: "timeout", detail: "no answer within 5 s", fix: "read its log" },
  AdminServerError: { address, code: "EADDRINUSE" },
  NoBan: { message: "there is no ban of 203.0.113.7; see all bans: timemesh bans" },
  NoTrace: { message: "nothing has happened between this node and 192.0.2.1; ask why instead" },
  NotReady: {
    message: "PROBLEM: no peers known; name one with --peer IP:PORT",
    verdict: { ok: false, ready: false, text: "PROBLEM", problems: [] }
  },
  NoMasternodes: { message: "this node keeps no registry of masternodes" },
  BackupError: { reason: "Missing", what: "there is no node at /data", fix: "name another" },
  BadAddress: { message: "\"x\" is not an IP address" },
  BlockRefused: { detail: "wrong parent" },
  BranchTooLarge: { bytes: 20, limit: 10 },
  ChainStoreError: { reason: new Full({ where: "chain.db", detail: "the disk is full" }) },
  ChannelTaken: { channel: 7 },
  ConfigError: { where: "--listen", input: "x", problem: "is not a listen address", fix: "use IP:PORT" },
  ConnectionEnded: { detail: "reset" },
  ConnectionLost: { ip: "203.0.113.7", reason: "silent" },
  Damaged: { where: "chain.db", detail: "block 7 is missing", repair: "timemesh chain rewind 6" },
  DataDirError: { directory: "/data", detail: "permission denied", fix: "run as its owner" },
  Failure: { what: "no node runs there", fix: "start one", exitCode: 1 },
  FileError: { file: "/data/peers.json", detail: "cannot be written", fix: "free some space" },
  FileLockError: { file: "/data/lock", busy: true, detail: "is locked by another process", fix: "stop it" },
  Full: { where: "chain.db", detail: "the disk is full" },
  ImportError: { file: "blocks", height: 7, offset: 700, detail: "wrong parent", network: undefined },
  InvalidBan: { input: "203.0.113.7", problem: "lasts 0 ms", fix: "choose a time between 1 s and 365 days" },
  InvalidChannel: { channel: "NaN" },
  InvalidPeer: { input: "203.0.113.7 port 0", problem: "has an invalid port", fix: "use 1 to 65535" },
  InvalidSimulation: { option: "hours", input: "NaN", problem: "is not a number from 0.01 to 1000" },
  Lagged: { channel: 7, buffered: 100 },
  NodeSetupError: { field: "listen.port", input: "NaN", problem: "is not a port", fix: "use 0 to 65535" },
  NotConnected: { ip: "203.0.113.7" },
  NotDue: { network: "devnet", blocks: 10, greatest: 7 },
  NotLinked: { height: 7, detail: "the parent is another" },
  NameError: { name: "seed.example.org", code: "ENOTFOUND" },
  PeerAddressError: { input: "x", fault: "form", reason: "write IP:PORT" },
  PeerIpError: { input: "x", fault: "form", reason: "write it as 203.0.113.7" },
  PeerStoreError: { detail: "peers.json cannot be read" },
  RawPeerEnded: { detail: "EOF from 10.0.0.1" },
  SendError: { reason: new NotConnected({ ip: "203.0.113.7" }) },
  SqliteFailure: { errno: 13, message: "database or disk is full" },
  Stuck: { waitingFor: "a connection", seen: "none" },
  SubnetError: { input: "x", reason: "write it as 203.0.113.0/24" },
  TestnetError: { detail: "port 24200 is taken" },
  Unauthorized: { message: "this needs the node's token; name its file with --admin-token-file FILE" },
  TooManyReaders: { message: "16 programs read the events already; close one of them, then ask again" },
  TooLarge: { bytes: 9_000_000, max: 8_388_605 },
  Unavailable: {
    where: "chain.db",
    detail: "it is locked",
    fix: "stop the other program",
    cause: new Error("SQLITE_BUSY")
  },
  WrongNetwork: { where: "chain.db", expected: "testnet", found: "devnet" }
}

const source = new URL("../src/", import.meta.url)

/** Exported error classes by name, with the file they are in. */
const classes = fs.globSync("**/*.ts", { cwd: fileURLToPath(source) }).flatMap((file) =>
  [
    ...fs.readFileSync(new URL(file, source), "utf8").matchAll(
      /^export class (\w+)\s+extends (?:Schema|Data)\.(?:TaggedError|Error)\b/gm
    )
  ].map(([, name = ""]) => ({ name, file }))
)

describe("every error class", () => {
  it("is known here", () => {
    assert.deepStrictEqual(classes.map(({ name }) => name).toSorted(), Object.keys(samples).toSorted())
  })

  for (const { file, name } of classes) {
    it(`${name} says what happened`, async () => {
      const module: Record<string, new(fields: object) => Error> = await import(new URL(file, source).href)
      const Class = module[name]
      assert(Class !== undefined)
      const error = new Class(samples[name] ?? {})
      assert.instanceOf(error, Error)
      assert.match(error.message, /\w+ .*\w+/, "a sentence, not a name")
      assert.notMatch(error.message, /undefined|\[object|^\{/)
      assert.include(String(error), error.message)
      if ("fix" in error && error.fix !== undefined) {
        assert("what" in error, "a fix apart from what is wrong")
        assert.strictEqual(error.message, `${String(error.what)}; ${String(error.fix)}`)
      }
      // What it is made of is in it, as far as that is text.
      for (const value of Object.values(samples[name] ?? {})) {
        if (typeof value !== "string" || ["timeout", "204", "Missing", "form"].includes(value)) continue
        assert.include(error.message, value)
      }
    })
  }

  it("gives problem and fix apart: no text is split at its semicolon to get them back", () => {
    const splits = fs.globSync("**/*.ts", { cwd: fileURLToPath(source) }).filter((file) =>
      /\.(?:split|includes|indexOf)\("; ?"\)/.test(fs.readFileSync(new URL(file, source), "utf8"))
    )
    assert.deepStrictEqual(splits, [])
  })

  it("that wraps another says what that says", () => {
    const full = new Full({ where: "chain.db", detail: "the disk is full" })
    const wrapped = new ChainStoreError({ reason: full })
    assert.deepStrictEqual([wrapped.message, wrapped.what, wrapped.fix], [full.message, full.what, full.fix])
    const lost = new NotConnected({ ip: "203.0.113.7" })
    assert.strictEqual(new SendError({ reason: lost }).message, lost.message)
  })
})
