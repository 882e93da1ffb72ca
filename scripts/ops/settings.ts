/** The settings of `timemesh run` as the list of docs/OPERATIONS.md. */
import * as Settings from "../../src/layers/config/Settings.ts"
import { between } from "./between.ts"

/** Flags and variables are code, so that no formatter touches them. */
const line = ({ help, metavar, name }: Settings.Setting): string =>
  `- \`--${name} ${metavar}\`, \`${Settings.environmentName(name)}\`: ${
    help.replaceAll(/(--[a-z][a-z-]*|TIMEMESH_[A-Z_]+|~\S*\w)/g, "`$1`")
  }`

/** The document with every setting between its marks, as it is in the code. */
export const withSettings = (document: string): string =>
  between(document, "settings", [Settings.configFile, ...Settings.all].map(line).join("\n"))
