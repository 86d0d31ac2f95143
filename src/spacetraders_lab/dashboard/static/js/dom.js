// Builds and updates the page. Text only ever becomes text: nothing here reads HTML from a string.

/** An element: h("td", {class: "number"}, "12"). A value of null or false leaves an attribute out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element[name] = value;
    else if (name === "style") Object.entries(value).forEach(([key, x]) => element.style.setProperty(key, x));
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Make the children of `target` look like `wanted`, touching only what differs: focus and scroll stay. */
export function show(target, ...wanted) {
  morphChildren(target, wanted.flat(Infinity).filter(Boolean));
}

function morphChildren(target, wanted) {
  const nodes = wanted.map((node) => (typeof node === "string" ? document.createTextNode(node) : node));
  nodes.forEach((node, i) => {
    const present = target.childNodes[i];
    if (!present) target.append(node);
    else if (alike(present, node)) morph(present, node);
    else present.replaceWith(node);
  });
  while (target.childNodes.length > nodes.length) target.lastChild.remove();
}

function alike(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null;
}

function morph(present, wanted) {
  if (present.nodeType !== Node.ELEMENT_NODE) {
    if (present.data !== wanted.data) present.data = wanted.data;
    return;
  }
  for (const { name } of [...present.attributes]) if (!wanted.hasAttribute(name)) present.removeAttribute(name);
  for (const { name, value } of wanted.attributes) {
    if (present.getAttribute(name) === value) continue;
    // a style attribute set as text would be refused by the content policy
    if (name === "style") present.style.cssText = wanted.style.cssText;
    else present.setAttribute(name, value);
  }
  for (const handler of ["onclick", "oninput", "onchange", "onscroll"]) present[handler] = wanted[handler];
  if (present.hasAttribute("data-island")) return; // a chart or a canvas, kept by its owner
  const typed = present.tagName === "INPUT" || present.tagName === "SELECT";
  if (present.tagName !== "INPUT") morphChildren(present, [...wanted.childNodes]);
  if (typed && present !== document.activeElement) present.value = wanted.value;
}
