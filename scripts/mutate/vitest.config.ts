import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"
import project from "../../vitest.config.ts"

const own = project.test ?? {}

export const tests = (process.env["MUTATE_TESTS"] ?? "test/domain/peer/**/*.test.ts").split(",")

/**
 * The first test that fails ends a mutant. Mutants come file by file, so the test file that killed the last one comes first; the
 * others follow the quick ones first, as `main.ts` gives them.
 */
class LikelyFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const rank = (file: TestSpecification): number =>
      this.ctx.cache.getTestSpecificationResult(file)?.failed === true
        ? -1
        : tests.findIndex((name) => file.moduleId.endsWith(name))
    return files.map((file) => ({ file, rank: rank(file) })).toSorted((a, b) => a.rank - b.rank).map(({ file }) => file)
  }
}

/** The tests of one room, as `main.ts` names them. A mutant may never end: the mutation tool has its own, shorter timeout. */
export default defineConfig({
  test: {
    include: tests,
    setupFiles: own.setupFiles ?? [],
    // A file with a test of an unknown tag would not run at all.
    tags: own.tags ?? [],
    pool: "threads",
    // Coverage of a test is collected by the file that it is in: a module that two files share would report to the first only.
    isolate: true,
    sequence: { sequencer: LikelyFirst },
    // Under a test clock a mutant that waits for what never comes takes no time but this.
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
