/** The manual page, of what `--help` of every command says: `man/timemesh.1`, in the macros of man(7). */
import { Option } from "effect"
import type { HelpDoc } from "effect/cli"
import * as ExitCode from "../../src/cli/ExitCode.ts"
import { released, version } from "../../src/cli/version.ts"
import * as Settings from "../../src/layers/config/Settings.ts"
import { helpOf, paths } from "./helpDocs.ts"

/** Text as roff takes it: no character of it is a request, a hyphen can be copied, and no flag or variable is divided at the end of a line. */
export const text = (plain: string): string =>
  plain.replaceAll("\\", "\\e").replaceAll(/\S*(?:--[a-z]|[A-Z]_)\S*/g, "\\%$&").replaceAll("-", "\\-").replace(
    /^(?=[.'])/gm,
    "\\&"
  )
    .replace(/[^\p{ASCII}]/gu, (character) => `\\[u${character.codePointAt(0)?.toString(16).toUpperCase()}]`)

const bold = (plain: string): string => `\\fB${text(plain)}\\fR`
const italic = (plain: string): string => `\\fI${text(plain)}\\fR`

/** A section begins a paragraph by itself. */
const section = (title: string, ...lines: ReadonlyArray<string>): ReadonlyArray<string> => [
  `.SH ${title}`,
  ...(lines[0] === ".PP" ? lines.slice(1) : lines)
]

/** A term, and what it means, indented. */
const item = (term: string, meaning: string): ReadonlyArray<string> => [".TP", term, text(meaning)]

const described = ({ description }: { readonly description: Option.Option<string> }): string =>
  Option.getOrElse(description, () => "")

const flagItem = (flag: HelpDoc.FlagDoc): ReadonlyArray<string> => {
  const names = [`--${flag.name}`, ...flag.aliases].map(bold).join(", ")
  return item(flag.type === "boolean" ? names : `${names} ${italic(flag.type)}`, described(flag))
}

const argumentItem = (argument: HelpDoc.ArgDoc): ReadonlyArray<string> =>
  item(italic(argument.variadic ? `${argument.name} ...` : argument.name), described(argument))

const exampleLines = ({ command, description }: HelpDoc.ExampleDoc): ReadonlyArray<string> => [
  ...(description === undefined ? [] : [".PP", text(`${description}:`)]),
  ".PP",
  ".RS 4",
  ".EX",
  text(command),
  ".EE",
  ".RE"
]

const settings: ReadonlySet<string> = new Set([...Settings.all, Settings.configFile].map(({ name }) => name))

/** A command that takes every setting of the node does not list them again. */
const own = (path: ReadonlyArray<string>, { flags }: HelpDoc.HelpDoc) => {
  const isRun = path.join(" ") === "timemesh run"
  const takesAll = [...settings].every((name) => flags.some((flag) => flag.name === name))
  return takesAll && !isRun ? { flags: flags.filter(({ name }) => !settings.has(name)), takesAll } : {
    flags,
    takesAll: false
  }
}

const commandLines = (path: ReadonlyArray<string>): ReadonlyArray<string> => {
  const help = helpOf(path)
  const { flags, takesAll } = own(path, help)
  return [
    `.SS ${text(path.join(" "))}`,
    text(`${help.description}.`.replace(/\.\.$/, ".")),
    ".PP",
    bold(help.usage),
    ...(help.args ?? []).flatMap(argumentItem),
    ...flags.flatMap(flagItem),
    ...(takesAll ? [".PP", text("And every setting of timemesh run.")] : []),
    ...(help.examples ?? []).flatMap(exampleLines)
  ]
}

const environment = [Settings.configFile, ...Settings.all].flatMap(({ name }) =>
  item(bold(Settings.environmentName(name)), `As --${name} of timemesh run.`)
)

/** The whole page. */
export const manPage = (): string => {
  const root = helpOf(["timemesh"])
  return [
    ".\\\" Made by npm run ops from the help texts of the program.",
    `.TH TIMEMESH 1 "${released}" "timemesh ${version}" "User Commands"`,
    ".ad l",
    ...section("NAME", `timemesh \\- ${text("peer-to-peer node with exactly one connection per peer")}`),
    ...section("SYNOPSIS", `${bold("timemesh")} ${italic("command")} [${italic("flags")}] [${italic("arguments")}]`),
    ...section(
      "DESCRIPTION",
      text(root.description),
      ".PP",
      text(
        "timemesh run is the node. The other commands ask a running node, which they find by its data directory or by --admin, or work on what a " +
          "stopped node has stored."
      ),
      ".PP",
      text(
        "Of every setting, a flag overrides the environment variable that its description names in brackets, which overrides the file that " +
          "--config or TIMEMESH_CONFIG names. An empty variable counts as absent."
      ),
      ".PP",
      text(
        "With --json, a command prints one JSON object on standard output: fields that do not apply are absent, and times are whole milliseconds. An " +
          "error is {\"error\":{\"message\":...,\"exitCode\":...}}, on standard error if the result is already on standard output."
      )
    ),
    ...section("COMMANDS", ...paths.slice(1).flatMap(commandLines)),
    ...section("GLOBAL FLAGS", ...(root.globalFlags ?? []).flatMap(flagItem)),
    ...section("EXIT STATUS", ...ExitCode.table.flatMap(([code, meaning]) => item(bold(code), `${meaning}.`))),
    ...section(
      "ENVIRONMENT",
      ...environment,
      ...item(bold("NO_COLOR"), "If set, nothing is coloured."),
      ...item(bold("TERM"), "If dumb, nothing is coloured or redrawn in place.")
    ),
    ...section(
      "FILES",
      ...item(
        italic("~/.timemesh/NETWORK"),
        "Data directory, unless --data-dir names another: chain.db (the chain), peers.db (peer book and bans), the pins of peers' keys, the " +
          "node's certificate, admin.token (needed for commands to the node), masternode.key and node.json (where a running node is asked)."
      ),
      ...item(italic("/var/lib/timemesh"), "Data directory of the service of the Debian package."),
      ...item(italic("/etc/timemesh/timemesh.env"), "Settings of that service, one TIMEMESH_ variable per line.")
    ),
    ...section(
      "SIGNALS",
      text(
        "SIGINT, SIGTERM, SIGHUP and SIGQUIT stop timemesh run cleanly: each peer reads the reason shutdown. SIGUSR1 and SIGUSR2 do nothing. The log " +
          "goes to standard output, so there is no file to reopen."
      )
    ),
    ...section("EXAMPLES", ...(root.examples ?? []).flatMap(exampleLines)),
    ...section(
      "SEE ALSO",
      `${bold("systemctl")}(1), ${bold("journalctl")}(1)`,
      ".PP",
      text("The operator's guide is OPERATIONS.md: in /usr/share/doc/timemesh/docs, or in docs of the npm package.")
    )
  ].join("\n") + "\n"
}
