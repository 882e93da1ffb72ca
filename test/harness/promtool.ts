/** Prometheus' own judge, where it is installed (Debian: `apt install prometheus`); its absence is said aloud. */
import { spawnSync } from "node:child_process"

export const promtool: string | undefined = ["promtool"].find((name) => spawnSync(name, ["--version"]).status === 0)

/** What it says about `input`; empty: nothing. */
export const judge = (args: ReadonlyArray<string>, input: string): string => {
  if (promtool === undefined) return ""
  const { status, stderr, stdout } = spawnSync(promtool, [...args], { input, encoding: "utf8" })
  return status === 0 ? "" : `${stdout}${stderr}`
}
