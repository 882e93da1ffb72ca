/** Writes what `ops/` has of code: `npm run ops`. */
import { writeFileSync } from "node:fs"
import { rulesFile, testsFile } from "./alerts.ts"
import { boardFile } from "./board.ts"

/** By file name. */
export const files: Readonly<Record<string, () => string>> = {
  "alerts.yml": rulesFile,
  "alerts.test.yml": testsFile,
  "grafana.json": boardFile
}

if (import.meta.main) {
  for (const [name, make] of Object.entries(files)) {
    writeFileSync(new URL(`../../ops/${name}`, import.meta.url), make())
  }
}
