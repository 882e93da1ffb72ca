/** Virtual time: what rings when, which task is next, and that nothing is lost in between. */
import { assert, describe, it } from "@effect/vitest"
import * as Seeds from "../../../src/simulation/machine/Seeds.ts"
import { type Runnable, VirtualTime } from "../../../src/simulation/machine/VirtualTime.ts"
import { randomFrom } from "../../harness/random.ts"

const first = () => 0

/** A queue of tasks that wakes itself, as a process's lanes do. */
class Tasks implements Runnable {
  private readonly time: VirtualTime
  private readonly tasks: Array<() => void> = []
  private awake = false

  constructor(time: VirtualTime) {
    this.time = time
  }

  add(task: () => void): void {
    this.tasks.push(task)
    if (this.awake) return
    this.awake = true
    this.time.wake(this)
  }

  next(): boolean {
    this.tasks.shift()?.()
    this.awake = this.tasks.length > 0
    return this.awake
  }
}

describe("VirtualTime: alarms", () => {
  it("ring at their moment, those of one moment in the order they were set", () => {
    const time = new VirtualTime(first)
    const rung: Array<string> = []
    for (const [name, ms] of [["c", 30], ["a", 10], ["b1", 20], ["b2", 20], ["half", 10.5], ["b3", 20]] as const) {
      time.at(ms, () => rung.push(`${name}@${time.now}`))
    }
    assert.isTrue(time.runUntil(20))
    assert.deepStrictEqual(rung, ["a@10", "half@10.5", "b1@20", "b2@20", "b3@20"])
    assert.strictEqual(time.now, 20)
    assert.isTrue(time.runUntil(1_000))
    assert.deepStrictEqual(rung.slice(5), ["c@30"])
    assert.strictEqual(time.now, 1_000, "idle until then")
    assert.strictEqual(time.steps, 6)
  })

  it("a moment that is past is now, and time never runs backwards", () => {
    const time = new VirtualTime(first)
    const rung: Array<number> = []
    time.runUntil(50)
    time.at(50, () => rung.push(time.now))
    time.at(10, () => {
      rung.push(-time.now)
      time.at(0, () => rung.push(time.now))
    })
    time.runUntil(40)
    assert.deepStrictEqual([rung, time.now], [[50, -50, 50], 50])
  })

  it("cancelled before its moment, or by another of the same moment, one does not ring and is no step", () => {
    const time = new VirtualTime(first)
    const rung: Array<string> = []
    const early = time.at(5, () => rung.push("early"))
    time.at(10, () => {
      rung.push("canceller")
      time.cancel(late)
    })
    const late = time.at(10, () => rung.push("late"))
    const done = time.at(1, () => rung.push("done"))
    time.cancel(early)
    time.runUntil(100)
    time.cancel(done)
    time.runUntil(200)
    assert.deepStrictEqual([rung, time.steps], [["done", "canceller"], 2])
  })

  it("thousands, set and cancelled at random, ring as a sorted list says", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const n = randomFrom(seed)
      const time = new VirtualTime(first)
      const expected: Array<{ readonly due: number; readonly id: number }> = []
      const rung: Array<number> = []
      const set = (id: number) => {
        const due = time.now + n(300)
        const alarm = time.at(due, () => {
          rung.push(id)
          if (id < 500 && n(2) === 0) set(id + 10_000)
        })
        if (n(3) === 0) time.cancel(alarm)
        else expected.push({ due, id })
      }
      for (let id = 0; id < 1_000; id++) set(id)
      // What rings sets more: sorted by moment, and by the order of setting (sort is stable).
      for (let ms = 0; ms <= 700; ms += 1 + n(40)) time.runUntil(ms)
      time.runUntil(700)
      const sorted = expected.toSorted((a, b) => a.due - b.due).map(({ id }) => id)
      assert.deepStrictEqual(rung, sorted, `seed ${seed}`)
    }
  })
})

describe("VirtualTime: tasks", () => {
  it("alarms of a moment ring before its tasks, also those that a task sets for now", () => {
    const time = new VirtualTime(first)
    const ran: Array<string> = []
    const tasks = new Tasks(time)
    tasks.add(() => {
      ran.push("task 1")
      time.at(time.now, () => ran.push("alarm of task 1"))
    })
    tasks.add(() => ran.push("task 2"))
    time.at(0, () => ran.push("alarm"))
    time.at(1, () => ran.push("next moment"))
    time.runUntil(1)
    assert.deepStrictEqual(ran, ["alarm", "task 1", "alarm of task 1", "task 2", "next moment"])
  })

  it("time stands still while tasks are ready", () => {
    const time = new VirtualTime(first)
    const tasks = new Tasks(time)
    const moments: Array<number> = []
    const again = (left: number): void => {
      moments.push(time.now)
      if (left > 0) tasks.add(() => again(left - 1))
    }
    time.at(7, () => tasks.add(() => again(50)))
    time.at(8, () => moments.push(-1))
    time.runUntil(100)
    assert.deepStrictEqual(moments, [...Array.from({ length: 51 }, () => 7), -1])
  })

  it("afterTurn: after the task or alarm that asked, before the next, and before runUntil's first", () => {
    const time = new VirtualTime(first)
    const ran: Array<string> = []
    const tasks = new Tasks(time)
    const other = new Tasks(time)
    time.afterTurn(() => ran.push("from outside"))
    tasks.add(() => {
      time.afterTurn(() => {
        ran.push("deferred 1")
        time.afterTurn(() => ran.push("deferred 1.1"))
      })
      time.afterTurn(() => ran.push("deferred 2"))
      ran.push("task 1")
    })
    tasks.add(() => ran.push("task 2"))
    other.add(() => ran.push("other"))
    time.at(0, () => {
      time.afterTurn(() => ran.push("of the alarm"))
      ran.push("alarm")
    })
    time.runUntil(0)
    assert.deepStrictEqual(ran.slice(0, 7), [
      "from outside",
      "alarm",
      "of the alarm",
      "task 1",
      "deferred 1",
      "deferred 2",
      "deferred 1.1"
    ])
    assert.strictEqual(ran.length, 9)
  })

  it("what is deferred by a queue's last task may wake that queue again", () => {
    const time = new VirtualTime(first)
    const tasks = new Tasks(time)
    const others = [new Tasks(time), new Tasks(time)]
    const ran: Array<string> = []
    tasks.add(() => {
      ran.push("last")
      time.afterTurn(() => tasks.add(() => ran.push("woken")))
    })
    for (const [i, other] of others.entries()) other.add(() => ran.push(`other ${i}`))
    time.runUntil(0)
    assert.sameMembers(ran, ["last", "woken", "other 0", "other 1"])
    assert.strictEqual(ran.length, 4, "each once")
    tasks.add(() => ran.push("later"))
    time.runUntil(0)
    assert.strictEqual(ran.at(-1), "later")
  })

  /** Ten queues of ten tasks each, in the order they ran. */
  const shuffled = (seed: string): ReadonlyArray<readonly [queue: number, task: number]> => {
    const time = new VirtualTime(Seeds.below(seed))
    const ran: Array<readonly [number, number]> = []
    for (let queue = 0; queue < 10; queue++) {
      const tasks = new Tasks(time)
      for (let task = 0; task < 10; task++) tasks.add(() => ran.push([queue, task]))
    }
    assert.isTrue(time.runUntil(0))
    return ran
  }

  it("queues interleave as the seed says, each in its own order, none left out", () => {
    const orders = new Set<string>()
    const firsts = new Set<number | undefined>()
    for (let seed = 0; seed < 100; seed++) {
      const ran = shuffled(`seed ${seed}`)
      for (let queue = 0; queue < 10; queue++) {
        const mine = ran.filter(([of]) => of === queue).map(([, task]) => task)
        assert.deepStrictEqual(mine, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], `seed ${seed}, queue ${queue}`)
      }
      assert.deepStrictEqual(shuffled(`seed ${seed}`), ran, `seed ${seed} again`)
      orders.add(JSON.stringify(ran))
      firsts.add(ran[0]?.[0])
    }
    assert.strictEqual(orders.size, 100, "another order for every seed")
    assert.strictEqual(firsts.size, 10, "every queue comes first with some seed")
  })

  it("the order is drawn from all ready queues, and only where there is a choice", () => {
    const asked: Array<number> = []
    const time = new VirtualTime((below) => {
      asked.push(below)
      return below - 1
    })
    const ran: Array<string> = []
    for (const name of ["a", "b", "c"]) new Tasks(time).add(() => ran.push(name))
    time.runUntil(0)
    assert.deepStrictEqual([ran, asked], [["c", "b", "a"], [3, 2]])
  })
})

describe("VirtualTime: steps", () => {
  it("a limit stops it in the middle, and what is left is done later in the same order", () => {
    const run = (limit: number) => {
      const time = new VirtualTime(Seeds.below("steps"))
      const ran: Array<string> = []
      for (let queue = 0; queue < 4; queue++) {
        const tasks = new Tasks(time)
        for (let i = 0; i < 5; i++) {
          time.at(i, () => tasks.add(() => ran.push(`${queue}.${i}@${time.now}`)))
        }
      }
      let calls = 1
      while (!time.runUntil(100, limit)) {
        calls += 1
        assert.isAtMost(calls, 50)
        assert.isBelow(time.now, 100)
      }
      return { ran, calls, steps: time.steps, now: time.now }
    }
    const whole = run(Number.POSITIVE_INFINITY)
    assert.deepStrictEqual([whole.calls, whole.steps, whole.now], [1, 40, 100])
    for (const limit of [1, 3, 7, 40]) {
      const parts = run(limit)
      assert.deepStrictEqual(parts.ran, whole.ran, `${limit} at a time`)
      assert.strictEqual(parts.calls, Math.floor(40 / limit) + 1)
      assert.strictEqual(parts.steps, 40)
    }
  })

  it("tasks that beget tasks for ever do not get past the limit", () => {
    const time = new VirtualTime(first)
    const tasks = new Tasks(time)
    const again = (): void => tasks.add(again)
    again()
    assert.isFalse(time.runUntil(1, 1_000))
    assert.deepStrictEqual([time.now, time.steps], [0, 1_000])
  })
})
