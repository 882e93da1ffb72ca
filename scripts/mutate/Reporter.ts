/** StrykerJS's reporter plugin that hands over every result as soon as it is there. Loaded by StrykerJS, in this process. */
interface Result {
  readonly id: string
  readonly status: string
}

export const results: { onTested: (result: Result) => void } = { onTested: () => {} }

class JournalReporter {
  onMutantTested(result: Result): void {
    results.onTested(result)
  }
}

export const strykerPlugins = [{ kind: "Reporter", name: "journal", injectableClass: JournalReporter }]
