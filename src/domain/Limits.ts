/**
 * Every bound and default of the node, each with its unit and its reason. "Rule" timers belong to the rule version of the pair protocol and
 * are not configurable, because one side's wait must exceed the other's hold.
 */
export * from "./limits/ChainLimits.ts"
export * from "./limits/PairLimits.ts"
export * from "./limits/PeerLimits.ts"
export * from "./limits/ProcessLimits.ts"
export * from "./limits/ProtectionLimits.ts"
export * from "./limits/WireLimits.ts"
