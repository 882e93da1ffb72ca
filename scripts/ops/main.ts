/** Writes what `ops/` has of code: `npm run ops`. */
import { OpenApi } from "effect/http-api"
import { writeFileSync } from "node:fs"
import { AdminApi } from "../../src/layers/http/AdminApi.ts"
import { rulesFile, testsFile } from "./alerts.ts"
import { boardFile } from "./board.ts"

/** By file name. */
export const files: Readonly<Record<string, () => string>> = {
  "alerts.yml": rulesFile,
  "alerts.test.yml": testsFile,
  "grafana.json": boardFile,
  "openapi.json": () => `${JSON.stringify(OpenApi.fromApi(AdminApi), undefined, 2)}\n`
}

if (import.meta.main) {
  for (const [name, make] of Object.entries(files)) {
    writeFileSync(new URL(`../../ops/${name}`, import.meta.url), make())
  }
}
