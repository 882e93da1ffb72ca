/** The exit codes as the list of docs/OPERATIONS.md. */
import * as ExitCode from "../../src/cli/ExitCode.ts"
import { between } from "./between.ts"

/** The document with every exit code between its marks, as it is in the code. */
export const withExitCodes = (document: string): string =>
  between(document, "exit codes", ExitCode.table.map(([code, meaning]) => `- \`${code}\`: ${meaning}`).join("\n"))
