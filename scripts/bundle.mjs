/**
 * Bundles the installed command into one file and its database thread into another: loading some 700 modules one by one takes
 * three times as long as everything else that `timemesh status` does. The library in `dist` stays as it is, module by module.
 */
import { cpSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"

const project = fileURLToPath(new URL("..", import.meta.url))

const bundle = async (input) => {
  // The other HTTP client of the platform, which is larger than all of ours, is never loaded.
  const build = await rolldown({ input, cwd: project, platform: "node", external: /\/Undici\.(?:js|ts)$/, logLevel: "warn" })
  await build.write({ dir: "dist/command", format: "esm", entryFileNames: "[name].js", chunkFileNames: "[name].js" })
  await build.close()
}

await bundle({ main: "src/main.ts" })
await bundle({ SqliteWorker: "src/layers/sql/SqliteWorker.ts" })
// `bin.js` starts it by the name it has in the sources.
writeFileSync(`${project}/dist/main.js`, "import \"./command/main.js\"\n")

// The dashboard as it is, for the browser; and its one library with its licence.
cpSync(`${project}/web`, `${project}/dist/web`, { recursive: true, filter: (file) => !/\.(?:ts|json)$/.test(file) })
cpSync(`${project}/node_modules/uplot/dist/uPlot.iife.min.js`, `${project}/dist/web/uPlot.js`)
cpSync(`${project}/node_modules/uplot/dist/uPlot.min.css`, `${project}/dist/web/uPlot.css`)
cpSync(`${project}/node_modules/uplot/LICENSE`, `${project}/dist/web/uPlot.LICENSE`)
