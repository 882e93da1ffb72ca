/** Elements as plain data. Text is text: there is no way to write markup. */
/** @import { Attributes, Child, VNode } from "../types.ts" */

/** @type {(tag: string, attrs?: Attributes, ...children: ReadonlyArray<Child>) => VNode} */
export const h = (tag, attrs = {}, ...children) => ({
  tag,
  attrs,
  children: children.flat().flatMap((child) => child === undefined || child === "" ? [] : [child])
})

/**
 * All text of a node, as a person or a test reads it.
 * @type {(node: VNode | string) => string}
 */
export const textOf = (node) => typeof node === "string" ? node : node.children.map(textOf).join(" ")

/**
 * The nodes for which `test` holds, from the top.
 * @type {(node: VNode | string, test: (node: VNode) => boolean) => ReadonlyArray<VNode>}
 */
export const findAll = (node, test) =>
  typeof node === "string"
    ? []
    : [...(test(node) ? [node] : []), ...node.children.flatMap((child) => findAll(child, test))]
