/** Parts of a document that are made from code: `<!-- NAME: made by npm run ops -->` … `<!-- end of NAME -->`. */

/** The document with `text` between the marks of `name`. */
export const between = (document: string, name: string, text: string): string => {
  const [start, end] = [`<!-- ${name}: made by npm run ops -->\n`, `<!-- end of ${name} -->`]
  const [from, to] = [document.indexOf(start) + start.length, document.indexOf(end)]
  if (from < start.length || to < from) throw new Error(`docs/OPERATIONS.md has no place for the ${name}`)
  return `${document.slice(0, from)}\n${text}\n\n${document.slice(to)}`
}
