/** Writes what `ops/`, `man/` and docs/OPERATIONS.md have of code: `npm run ops`. */
import { OpenApi } from "effect/http-api"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { AdminApi } from "../../src/layers/http/AdminApi.ts"
import { rulesFile, testsFile } from "./alerts.ts"
import { boardFile } from "./board.ts"
import { withExitCodes } from "./exitCodes.ts"
import { manPage } from "./manPage.ts"
import { withMetrics } from "./metrics.ts"
import { withSettings } from "./settings.ts"

/** By file name. */
export const files: Readonly<Record<string, () => string>> = {
  "alerts.yml": rulesFile,
  "alerts.test.yml": testsFile,
  "grafana.json": boardFile,
  "openapi.json": () => `${JSON.stringify(OpenApi.fromApi(AdminApi), undefined, 2)}\n`
}

/** The manual page. The packages install it. */
export const manual = new URL("../../man/timemesh.1", import.meta.url)

/** The document that has the settings, the metrics and the exit codes. */
export const operations = new URL("../../docs/OPERATIONS.md", import.meta.url)

/** That document with all of them as they are in the code. */
export const madeParts = (document: string): string => withExitCodes(withMetrics(withSettings(document)))

if (import.meta.main) {
  writeFileSync(operations, madeParts(readFileSync(operations, "utf8")))
  mkdirSync(new URL(".", manual), { recursive: true })
  writeFileSync(manual, manPage())
  for (const [name, make] of Object.entries(files)) {
    writeFileSync(new URL(`../../ops/${name}`, import.meta.url), make())
  }
}
