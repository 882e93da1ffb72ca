/**
 * Makes the document show a tree. Elements stay where they are what they were, so that focus, selection and scrolling survive.
 *
 * **Safety**: text becomes text nodes. Attributes are set by name from a closed set, none of which holds a script or an address.
 */
/** @import { Attributes, VNode } from "../types.ts" */

const svgNamespace = "http://www.w3.org/2000/svg"
const svgTags = new Set(["svg", "g", "line", "circle", "path", "polyline", "text", "title", "defs", "marker"])

/** Attributes that views may use. Handlers (`on…`), `style`, `href` and `src` are not among them. */
const allowed =
  /^(?:aria-[a-z]+|data-(?:do|arg|level|state|label)|class|id|role|tabindex|type|name|title|scope|for|value|max|placeholder|autocomplete|spellcheck|selected|required|colspan|viewBox|preserveAspectRatio|[xyr]|[cd][xy]|[xy][12]|d|points|refX|refY|orient|marker(?:Width|Height|-end)|text-anchor|width|height)$/

/** @type {WeakMap<Node, string | number>} */
const keys = new WeakMap()

/** What each element was drawn as: only the difference is drawn, and the same node not even compared.
 * @type {WeakMap<Element, VNode>} */
const drawn = new WeakMap()

/** @type {Attributes} */
const none = {}

/** @type {(element: Element, before: Attributes, attrs: Attributes) => void} */
const patchAttributes = (element, before, attrs) => {
  for (const [name, value] of Object.entries(before)) {
    if (value !== undefined && value !== false && (attrs[name] === undefined || attrs[name] === false)) {
      element.removeAttribute(name)
    }
  }
  for (const [name, value] of Object.entries(attrs)) {
    if (value === undefined || value === false || name === "key" || name === "keep" || before[name] === value) continue
    if (!allowed.test(name)) throw new Error(`attribute ${name} is not allowed`)
    element.setAttribute(name, value === true ? "" : String(value))
  }
}

/** @type {(node: VNode) => Element} */
const create = ({ attrs, tag }) => {
  const element = svgTags.has(tag) ? document.createElementNS(svgNamespace, tag) : document.createElement(tag)
  if (typeof attrs["key"] === "string" || typeof attrs["key"] === "number") keys.set(element, attrs["key"])
  return element
}

/** @type {(parent: Element, next: ReadonlyArray<VNode | string>) => void} */
const patchChildren = (parent, next) => {
  /** @type {Map<unknown, Element>} */
  const keyed = new Map()
  for (const child of parent.children) if (keys.has(child)) keyed.set(keys.get(child), child)
  const wanted = new Set(next.flatMap((node) => typeof node === "string" ? [] : [node.attrs["key"]]))
  /** @type {ChildNode | null} */
  let at = parent.firstChild
  const skipStale = () => {
    while (at !== null && keys.has(at) && !wanted.has(keys.get(at))) {
      const stale = at
      at = at.nextSibling
      stale.remove()
    }
  }
  for (const node of next) {
    skipStale()
    if (typeof node === "string") {
      if (at instanceof Text) {
        if (at.data !== node) at.data = node
        at = at.nextSibling
      } else parent.insertBefore(document.createTextNode(node), at)
      continue
    }
    const key = node.attrs["key"]
    const old = key === undefined
      ? at instanceof Element && !keys.has(at) && at.localName === node.tag ? at : undefined
      : keyed.get(key)
    const element = old ?? create(node)
    if (element === at) at = at.nextSibling
    else parent.insertBefore(element, at)
    patchElement(element, node)
  }
  while (at !== null) {
    const stale = at
    at = at.nextSibling
    stale.remove()
  }
}

/** @type {(element: Element, node: VNode) => void} */
const patchElement = (element, node) => {
  const before = drawn.get(element)
  if (before === node) return
  drawn.set(element, node)
  patchAttributes(element, before?.attrs ?? none, node.attrs)
  if (node.attrs["keep"] !== true) patchChildren(element, node.children)
}

/**
 * Draws the children into `root`.
 * @type {(root: Element, children: ReadonlyArray<VNode>) => void}
 */
export const patch = (root, children) => {
  const focused = document.activeElement
  patchChildren(root, children)
  // An element that was moved has lost it.
  if (focused instanceof HTMLElement && focused !== document.activeElement && focused.isConnected) {
    focused.focus({ preventScroll: true })
  }
}
