/**
 * The Debian package: the program, the Node it runs on, the unit and its user. `npm run deb` builds `timemesh_VERSION_ARCH.deb` in `dist/`.
 *
 * Node comes along because Debian's own is older than what timemesh needs: `apt install ./timemesh_…deb` is all that a host has to do.
 */
import { DateTime } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { changelog, control, overrides, scripts, settings, sysusers, tmpfiles, wrapper } from "./texts.ts"

const root = fileURLToPath(new URL("../../", import.meta.url))

/** Where something of the package comes from. `text` is written, `from` is copied, a directory with all that is in it; one file may be compressed. */
export interface Entry {
  readonly path: string
  readonly mode: number
  readonly text?: string
  readonly from?: string
  readonly gzip?: true
}

/** `DEBFULLNAME` and `DEBEMAIL`, as Debian's tools read them. */
const maintainer = `${process.env.DEBFULLNAME ?? "timemesh"} <${process.env.DEBEMAIL ?? "timemesh@localhost"}>`

/** `SOURCE_DATE_EPOCH`, as reproducible builds set it, otherwise now. */
const builtAt = () => {
  const epoch = process.env.SOURCE_DATE_EPOCH
  return epoch === undefined ? DateTime.nowUnsafe() : DateTime.makeUnsafe(Number(epoch) * 1_000)
}

/** A module without the line that a shell reads: the package runs it with its own Node. */
const withoutShebang = (file: string): string => fs.readFileSync(file, "utf8").replace(/^#!.*\n/, "")

/** All that is installed. `node`: the program to run it with; `program`: the built `dist`. */
export const entries = (node: string, program: string, version: string): ReadonlyArray<Entry> => [
  { path: "usr/bin/timemesh", mode: 0o755, text: wrapper },
  { path: "usr/lib/timemesh/node", mode: 0o755, from: node },
  { path: "usr/lib/timemesh/package.json", mode: 0o644, text: "{\"type\":\"module\"}\n" },
  { path: "usr/lib/timemesh/bin.js", mode: 0o644, text: withoutShebang(`${program}/bin.js`) },
  { path: "usr/lib/timemesh/main.js", mode: 0o644, from: `${program}/main.js` },
  { path: "usr/lib/timemesh/command", mode: 0o755, from: `${program}/command` },
  { path: "usr/lib/timemesh/web", mode: 0o755, from: `${program}/web` },
  { path: "usr/lib/systemd/system/timemesh.service", mode: 0o644, from: `${root}ops/timemesh.service` },
  { path: "usr/lib/sysusers.d/timemesh.conf", mode: 0o644, text: sysusers },
  { path: "usr/lib/tmpfiles.d/timemesh.conf", mode: 0o644, text: tmpfiles },
  { path: "etc/timemesh/timemesh.env", mode: 0o640, text: settings },
  // Debian's pages are compressed.
  { path: "usr/share/man/man1/timemesh.1.gz", mode: 0o644, from: `${root}man/timemesh.1`, gzip: true },
  { path: "usr/share/lintian/overrides/timemesh", mode: 0o644, text: overrides },
  {
    path: "usr/share/doc/timemesh/changelog.gz",
    mode: 0o644,
    text: changelog({ version, maintainer, date: builtAt() }),
    gzip: true
  },
  { path: "usr/share/doc/timemesh/README.md", mode: 0o644, from: `${root}README.md` },
  { path: "usr/share/doc/timemesh/docs", mode: 0o755, from: `${root}docs` },
  { path: "usr/share/doc/timemesh/copyright", mode: 0o644, from: `${root}LICENSE` },
  { path: "usr/share/doc/timemesh/ops", mode: 0o755, from: `${root}ops` }
]

const put = (stage: string, entry: Entry) => {
  const to = path.join(stage, entry.path)
  fs.mkdirSync(path.dirname(to), { recursive: true, mode: 0o755 })
  const content = entry.text ?? (entry.gzip && entry.from !== undefined ? fs.readFileSync(entry.from) : undefined)
  if (content !== undefined) fs.writeFileSync(to, entry.gzip ? gzipSync(content, { level: 9 }) : content)
  else if (entry.from !== undefined) fs.cpSync(entry.from, to, { recursive: true })
  fs.chmodSync(to, entry.mode)
}

const files = (directory: string): ReadonlyArray<string> =>
  fs.readdirSync(directory, { recursive: true, withFileTypes: true }).filter((found) => found.isFile()).map((found) =>
    path.join(found.parentPath, found.name)
  )

/** Debian's name of this machine's kind. */
export const architecture = (): string => execFileSync("dpkg", ["--print-architecture"], { encoding: "utf8" }).trim()

/** Builds it; gives its file. `compression`: as `dpkg-deb -Z` takes it. */
export const build = (options: {
  readonly node: string
  readonly program: string
  readonly into: string
  readonly version: string
  readonly compression: "xz" | "none"
}): string => {
  const stage = fs.mkdtempSync(path.join(tmpdir(), "timemesh-deb-"))
  try {
    fs.chmodSync(stage, 0o755)
    for (const entry of entries(options.node, options.program, options.version)) put(stage, entry)
    const installed = files(stage)
    const kibibytes = Math.ceil(installed.reduce((sum, file) => sum + fs.statSync(file).size, 0) / 1_024)
    const of = { version: options.version, maintainer, architecture: architecture(), kibibytes }
    const conffiles = installed.map((file) => `/${path.relative(stage, file)}`).filter((file) =>
      file.startsWith("/etc/")
    )
    const words: ReadonlyArray<Entry> = [
      { path: "DEBIAN/control", mode: 0o644, text: control(of) },
      { path: "DEBIAN/conffiles", mode: 0o644, text: `${conffiles.join("\n")}\n` },
      ...Object.entries(scripts).map(([name, text]) => ({ path: `DEBIAN/${name}`, mode: 0o755, text }))
    ]
    for (const entry of words) put(stage, entry)
    fs.mkdirSync(options.into, { recursive: true })
    const file = path.join(options.into, `timemesh_${of.version}_${of.architecture}.deb`)
    execFileSync("dpkg-deb", ["--root-owner-group", `-Z${options.compression}`, "--build", stage, file], {
      stdio: ["ignore", "ignore", "inherit"]
    })
    return file
  } finally {
    fs.rmSync(stage, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const { version } = JSON.parse(fs.readFileSync(`${root}package.json`, "utf8")) as { readonly version: string }
  const file = build({
    node: fs.realpathSync(process.execPath),
    program: `${root}dist`,
    into: `${root}dist`,
    version,
    compression: "xz"
  })
  process.stdout.write(`${path.relative(process.cwd(), file)}: ${fs.statSync(file).size} bytes\n`)
  process.stdout.write(`install it with: apt install ./${path.relative(process.cwd(), file)}\n`)
}
