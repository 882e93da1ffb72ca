/** The settings of `timemesh run` as the list of docs/OPERATIONS.md. */
import * as Settings from "../../src/layers/config/Settings.ts"

const start = "<!-- settings: made by npm run ops -->\n"
const end = "<!-- end of settings -->"

/** Flags and variables are code, so that no formatter touches them. */
const line = ({ help, metavar, name }: Settings.Setting): string =>
  `- \`--${name} ${metavar}\`, \`${Settings.environmentName(name)}\`: ${
    help.replaceAll(/(--[a-z][a-z-]*|TIMEMESH_[A-Z_]+|~\S*\w)/g, "`$1`")
  }`

/** The document with every setting between its marks, as it is in the code. */
export const withSettings = (document: string): string => {
  const [from, to] = [document.indexOf(start) + start.length, document.indexOf(end)]
  if (from < start.length || to < from) throw new Error("docs/OPERATIONS.md has no place for the settings")
  const lines = [Settings.configFile, ...Settings.all].map(line).join("\n")
  return `${document.slice(0, from)}\n${lines}\n\n${document.slice(to)}`
}
