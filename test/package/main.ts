/**
 * The package as others get it: packed, installed in an empty project, type-checked, bundled and run. `npm run package`.
 *
 * It needs the registry (or npm's cache) for the project's own dependencies. Exit code 1: something is not as it should be.
 */
import { execFile, spawn, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { build } from "../../scripts/deb/main.ts"
import { bundled } from "./bundle.ts"
import { manifest } from "./entryPoints.ts"
import { surface } from "./surface.ts"

const root = fileURLToPath(new URL("../../", import.meta.url))
const project = fs.mkdtempSync(path.join(os.tmpdir(), "timemesh-package-"))
process.on("exit", () => fs.rmSync(project, { recursive: true, force: true }))

const say = (text: string) => process.stdout.write(`${text}\n`)
let failures = 0
const check = (what: string, problems: ReadonlyArray<string>) => {
  if (problems.length > 0) failures++
  say(`${problems.length === 0 ? "ok    " : "FAILED"}  ${what}`)
  for (const problem of problems) say(`        ${problem}`)
}

const run = async (program: string, args: ReadonlyArray<string>, cwd = project): Promise<string> => {
  try {
    return (await promisify(execFile)(program, args, { cwd, maxBuffer: 64 * 1024 * 1024 })).stdout
  } catch (error) {
    const { stderr, stdout } = error as { readonly stdout?: string; readonly stderr?: string }
    throw new Error(`${program} ${args.join(" ")}: ${`${stdout ?? ""}${stderr ?? ""}`.slice(0, 4_000)}`, {
      cause: error
    })
  }
}

interface Packed {
  readonly filename: string
  readonly size: number
  readonly unpackedSize: number
  readonly files: ReadonlyArray<{ readonly path: string; readonly size: number }>
}

const pack = async (): Promise<string> => {
  await run("npm", ["run", "-s", "build"], root)
  const [packed] = JSON.parse(
    await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", project], root)
  ) as ReadonlyArray<Packed>
  if (packed === undefined) throw new Error("npm pack gave nothing")
  const folders = new Map<string, readonly [count: number, bytes: number]>()
  for (const { path: file, size } of packed.files) {
    const at = file.includes("/") ? `${file.slice(0, file.indexOf("/"))}/` : file
    const [count, bytes] = folders.get(at) ?? [0, 0]
    folders.set(at, [count + 1, bytes + size])
  }
  say(`${packed.filename}: ${packed.size} bytes, ${packed.unpackedSize} unpacked, ${packed.files.length} files`)
  for (const [folder, [count, bytes]] of folders) say(`        ${folder}  ${count} files, ${bytes} bytes`)
  const wanted =
    /^(dist\/.*\.(js|d\.ts)|dist\/web\/\w+\.(html|css|svg|LICENSE)|docs\/.*\.md|docs\/images\/[\w-]+\.png|man\/timemesh\.1|bench\/README\.md|README\.md|LICENSE|package\.json)$/
  check(
    "only what is used or linked is packed",
    packed.files.map((file) => file.path).filter((file) => !wanted.test(file))
  )
  const links = [...readme.matchAll(/\]\(([\w./-]+)\)/g)]
    .map(([, link = ""]) => link)
  check(
    "what the README links is packed",
    links.filter((link) => !packed.files.some((file) => file.path === link || file.path.startsWith(`${link}/`)))
  )
  return path.join(project, packed.filename)
}

const install = async (tarball: string) => {
  const { devDependencies } = manifest()
  fs.writeFileSync(
    path.join(project, "package.json"),
    JSON.stringify({
      name: "app",
      private: true,
      type: "module",
      dependencies: {
        "@effect/platform-node": devDependencies["@effect/platform-node"],
        "@effect/sql-pg": devDependencies["@effect/sql-pg"],
        effect: devDependencies["effect"],
        timemesh: `file:${tarball}`
      },
      devDependencies: {
        "@types/node": devDependencies["@types/node"],
        typescript: devDependencies["typescript"]
      }
    })
  )
  await run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"])
  const copies = fs.globSync("node_modules/**/effect/package.json", { cwd: project })
  check("the application and timemesh share one copy of effect", copies.length === 1 ? [] : copies)
}

const readme = fs.readFileSync(path.join(root, "README.md"), "utf8")

/** The README's programs, as they stand. The first is one that is run twice. */
const programs: ReadonlyArray<{ readonly file: string; readonly code: string }> = [
  ...readme.matchAll(/```ts\n(.*?)```/gs)
].map(([, code = ""], at) => ({ file: `readme${at + 1}`, code }))

const typeCheck = async (resolution: "bundler" | "nodenext") => {
  const file = `tsconfig.${resolution}.json`
  fs.writeFileSync(
    path.join(project, file),
    JSON.stringify({
      compilerOptions: {
        target: "ES2024",
        module: resolution === "bundler" ? "ESNext" : "NodeNext",
        moduleResolution: resolution,
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        declaration: true,
        outDir: `out-${resolution}`,
        rootDir: ".",
        types: ["node"]
      },
      files: ["surface.ts", ...programs.map(({ file }) => `${file}.ts`)]
    })
  )
  const output = await run("npx", ["tsc", "-p", file]).catch((error: unknown) => String(error))
  const problems = output.split("\n").filter((line) => line.includes("error"))
  check(
    `types and declarations, moduleResolution ${resolution}, skipLibCheck false`,
    process.argv.includes("--all") ? problems : problems.slice(0, 20)
  )
}

/** Runs the README's first program as two nodes until each has printed what the other said. */
const runPair = async () => {
  const nodes = [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"]].map(([own = "", other = ""]) => {
    const child = spawn(process.execPath, ["out-nodenext/readme1.js", own, other], { cwd: project })
    let output = ""
    const heard = new Promise<void>((resolve) => {
      const listen = (chunk: Buffer) => {
        output += chunk.toString()
        if (output.includes(`${other}: hello from ${other}`)) resolve()
      }
      child.stdout.on("data", listen)
      child.stderr.on("data", listen)
    })
    const ended = new Promise<void>((resolve) => void child.once("exit", () => resolve()))
    return { child, heard, ended, output: () => output }
  })
  const late = delay(20_000, "late", { ref: false })
  const outcome = await Promise.race([Promise.all(nodes.map(({ heard }) => heard)).then(() => "heard"), late])
  for (const { child } of nodes) child.kill("SIGINT")
  await Promise.race([Promise.all(nodes.map(({ ended }) => ended)), late])
  for (const { child } of nodes) child.kill("SIGKILL")
  check(
    "the README's program, as two nodes",
    outcome === "heard" ? [] : nodes.flatMap(({ output }) => output().split("\n"))
  )
}

/** Runs a program of the README to its end: it must print something, and nothing that the README does not say. */
const runAlone = async (file: string, code: string) => {
  const output = await run(process.execPath, [`out-nodenext/${file}.js`]).catch((error: unknown) => String(error))
  const lines = output.trim().split("\n")
  check(`the README's program ${file}: ${lines[0]}`, lines.filter((line) => line === "" || !code.includes(line)))
}

/**
 * Of `domain/chain` the codec of blocks is let through: messages of the TIME wire carry them, and end where a block ends. So are addresses, to which
 * a masternode's rewards go.
 */
const forbidden =
  /hash-wasm|sqlite|postgres|\/layers\/(chain|sync|sql)\/|\/domain\/sync\/|\/domain\/chain\/(?!(?:U64|Bincode|Transaction|Block|Hash|TimeAddress)\.js)/i

const bundle = async () => {
  const chainless = await bundled(project, `import { Node } from "timemesh"; console.log(Node.layer)`)
  check(
    `a node without a chain: ${chainless.modules.length} modules of timemesh, ${chainless.bytes} bytes bundled`,
    chainless.modules.filter((module) => forbidden.test(module))
  )
  const chained = await bundled(project, `import { ChainNode } from "timemesh"; console.log(ChainNode.layer)`)
  check(
    `a node with its chain: ${chained.modules.length} modules of timemesh, ${chained.bytes} bytes bundled`,
    chained.modules.some((module) => module.includes("SyncLive")) ? [] : ["it has no sync"]
  )
  const nothing = await bundled(project, `import "timemesh"; import "timemesh/simulation"`)
  check("an import that is not used leaves nothing", nothing.modules)
}

/** The installed command on the Node.js that runs this, and on the one in PATH, which may be too old. */
const bin = async () => {
  const command = path.join(project, "node_modules/.bin/timemesh")
  for (const node of [process.execPath, "node"]) {
    const version = (await run(node, ["-p", "process.versions.node"])).trim()
    const { code, output } = await new Promise<{ readonly code: number; readonly output: string }>((resolve) =>
      execFile(
        node,
        [command, "--version"],
        { cwd: project },
        (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), output: `${stdout}${stderr}`.trim() })
      )
    )
    const wanted = Number.parseInt(version) >= 24
      ? code === 0 && output === `timemesh v${installedVersion()}`
      : code === 2 && output.startsWith("timemesh needs Node.js 24 or later, and this is ")
    check(`the installed command on Node ${version}: ${output}`, wanted ? [] : [`exit code ${code}`])
  }
}

/** The Debian package of the same build, unpacked: it brings the Node that it runs on. */
const debian = async () => {
  if (spawnSync("dpkg-deb", ["--version"], { stdio: "ignore" }).status !== 0) {
    return say("skipped the Debian package: dpkg-deb is not installed")
  }
  const version = installedVersion()
  const node = fs.realpathSync(process.execPath)
  const file = build({ node, program: path.join(root, "dist"), into: project, version, compression: "none" })
  const unpacked = path.join(project, "deb")
  await run("dpkg-deb", ["-x", file, unpacked])
  const output = (await run(path.join(unpacked, "usr/bin/timemesh"), ["--version"])).trim()
  const shown = ["command", "web"].flatMap((name) =>
    fs.readdirSync(path.join(root, "dist", name), { recursive: true, encoding: "utf8" }).map((file) =>
      path.join(name, file)
    )
  )
  check(
    `the Debian package has the ${shown.length} files of command and dashboard`,
    shown.filter((file) => !fs.existsSync(path.join(unpacked, "usr/lib/timemesh", file)))
  )
  check(`the Debian package: ${output}`, output === `timemesh v${version}` ? [] : ["it does not start"])
}

const installedVersion = (): string =>
  JSON.parse(fs.readFileSync(path.join(project, "node_modules/timemesh/package.json"), "utf8")).version

const tarball = await pack()
await install(tarball)
for (const { code, file } of programs) fs.writeFileSync(path.join(project, `${file}.ts`), code)
fs.writeFileSync(path.join(project, "surface.ts"), await surface(path.join(project, "node_modules/timemesh")))
await typeCheck("bundler")
await typeCheck("nodenext")
await runPair()
for (const { code, file } of programs.slice(1)) await runAlone(file, code)
await bundle()
await bin()
await debian()
process.exitCode = failures === 0 ? 0 : 1
