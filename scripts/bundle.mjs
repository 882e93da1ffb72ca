/**
 * Bundles the installed command into one file and its database thread into another: loading some 700 modules one by one takes
 * three times as long as everything else that `timemesh status` does. The library in `dist` stays as it is, module by module.
 */
import { cpSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"

const project = fileURLToPath(new URL("..", import.meta.url))

/**
 * Writes the command to `out`/command, and the dashboard that it serves to `out`/web.
 *
 * @param {string} out
 */
export const bundle = async (out) => {
  for (const input of [{ main: "src/main.ts" }, { SqliteWorker: "src/layers/sql/SqliteWorker.ts" }]) {
    // The other HTTP client of the platform, which is larger than all of ours, is never loaded.
    const build = await rolldown({ input, cwd: project, platform: "node", external: /\/Undici\.(?:js|ts)$/, logLevel: "warn" })
    await build.write({ dir: `${out}/command`, format: "esm", entryFileNames: "[name].js", chunkFileNames: "[name].js" })
    await build.close()
  }
  // The dashboard as it is, for the browser; and its one library with its licence.
  cpSync(`${project}/web`, `${out}/web`, { recursive: true, filter: (file) => !/\.(?:ts|json)$/.test(file) })
  cpSync(`${project}/node_modules/uplot/dist/uPlot.iife.min.js`, `${out}/web/uPlot.js`)
  cpSync(`${project}/node_modules/uplot/dist/uPlot.min.css`, `${out}/web/uPlot.css`)
  cpSync(`${project}/node_modules/uplot/LICENSE`, `${out}/web/uPlot.LICENSE`)
}

if (import.meta.main) {
  await bundle(`${project}/dist`)
  // `bin.js` starts it by the name it has in the sources.
  writeFileSync(`${project}/dist/main.js`, "import \"./command/main.js\"\n")
}
