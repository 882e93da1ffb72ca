import { defineConfig, mergeConfig } from "vitest/config"
import own from "./vitest.config.ts"

export default mergeConfig(
  own,
  defineConfig({
    test: {
      runner: "./scripts/mutate/QuickRunner.ts",
      maxWorkers: 1,
      reporters: ["dot"]
    }
  })
)
