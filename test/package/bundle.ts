/** What a bundler makes of a program that uses the installed package. */
import * as fs from "node:fs"
import * as path from "node:path"
import { rolldown } from "rolldown"

export interface Bundled {
  /** Files of timemesh of which something is left. */
  readonly modules: ReadonlyArray<string>
  /** Of all the code, dependencies included. */
  readonly bytes: number
}

export const bundled = async (project: string, code: string): Promise<Bundled> => {
  const input = path.join(project, "entry.js")
  fs.writeFileSync(input, code)
  const build = await rolldown({ input, cwd: project, platform: "node", logLevel: "silent" })
  const { output } = await build.generate({ format: "esm" })
  await build.close()
  const chunks = output.flatMap((file) => file.type === "chunk" ? [file] : [])
  return {
    modules: chunks.flatMap((chunk) =>
      Object.entries(chunk.modules)
        .filter(([id, { code }]) => id.includes("/timemesh/") && (code ?? "").replaceAll(/\/\/.*|\s/g, "") !== "")
        .map(([id]) => id.slice(id.indexOf("/timemesh/")))
    ),
    bytes: chunks.reduce((sum, chunk) => sum + chunk.code.length, 0)
  }
}
