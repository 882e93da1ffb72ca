/** Every workload by name. */
import { api } from "./api.ts"
import { flat } from "./flat.ts"
import { heap } from "./heap.ts"
import { idle } from "./idle.ts"
import { mesh } from "./mesh.ts"
import { bulk, messages } from "./oneWay.ts"
import { rtt } from "./rtt.ts"
import { sync } from "./sync.ts"
import type { Workload } from "./Workload.ts"

export const workloads: Readonly<Record<string, Workload>> = {
  messages,
  bulk,
  rtt,
  mesh,
  heap,
  idle,
  flat,
  sync,
  api,
  "tls-bulk": bulk,
  "tls-rtt": rtt,
  "tls-heap": heap
}
