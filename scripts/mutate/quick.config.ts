import { defineConfig, mergeConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"
import own, { tests } from "./vitest.config.ts"

/** What a file leaves, the next one gets: the quick files first, as `QuickPass.ts` gives them. */
class AsGiven extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const rank = ({ moduleId }: TestSpecification): number => tests.findIndex((name) => moduleId.endsWith(name))
    return files.toSorted((a, b) => rank(a) - rank(b))
  }
}

export default mergeConfig(
  own,
  defineConfig({
    test: {
      runner: "./scripts/mutate/QuickRunner.ts",
      maxWorkers: 1,
      // One import of the code for all files. What each test reaches is collected by the one runner that all have.
      isolate: false,
      // A mutant's bound is the runner's, which does not count what a busy machine takes for others.
      testTimeout: 900_000,
      hookTimeout: 900_000,
      reporters: ["dot"],
      sequence: { sequencer: AsGiven }
    }
  })
)
