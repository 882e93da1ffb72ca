import { defineConfig } from "vitest/config"

/** The tests of one room, as `main.ts` names them. A mutant may never end: the mutation tool has its own, shorter timeout. */
export default defineConfig({
  test: {
    include: (process.env["MUTATE_TESTS"] ?? "test/domain/peer/**/*.test.ts").split(","),
    // Kills at random moments and servers say nothing about a mutant that the others do not.
    exclude: ["test/**/*{Kill,Postgres}.test.ts"],
    pool: "threads",
    // Coverage of a test is collected by the file that it is in: a module that two files share would report to the first only.
    isolate: true,
    testTimeout: 120_000,
    hookTimeout: 120_000
  }
})
