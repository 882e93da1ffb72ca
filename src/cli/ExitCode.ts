/** Exit codes: the single table that `--help`, the man page and docs/OPERATIONS.md show. */

/** Meaning of each code, in the order of the table. */
export const meanings = {
  0: "Done. run and watch last until a signal stops them, and end with 0 then",
  1: "The command ran, and the answer is no: no node answers, a verdict is not OK, a chain or a file is damaged, nothing is there to show",
  2: "It cannot run as asked: unknown or missing flags and arguments, values that are not valid, a file, directory, address or port that " +
    "cannot be used",
  78:
    "run cannot start, and a restart does not mend it: its flags, its settings, its rights, a damaged chain (EX_CONFIG of sysexits.h). A " +
    "port or directory in use is 2, since it may become free",
  130: "A signal ended the command before it was done"
} as const

export type ExitCode = keyof typeof meanings

/** Code for a command line that does not parse. For `run`, 78: a service manager's restart with the same line would fail again. */
export const ofUsage = (commandPath: ReadonlyArray<string>): 2 | 78 => commandPath[1] === "run" ? 78 : 2

/** Code and meaning, as texts. */
export const table: ReadonlyArray<readonly [code: string, meaning: string]> = Object.entries(meanings)
