// Small helpers for building the page. Text always goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

// An element: attributes, on* listeners, and children (nodes or strings; empty ones are skipped).
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name === "style") Object.assign(node.style, value);
    else if (name in node && typeof value !== "string") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child || child === 0));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export const $ = (id) => document.getElementById(id);

export function avatar(entity, large = false) {
  const size = large ? " large" : "";
  if (entity.is_bot) return h("span", { class: `avatar${size}`, "aria-hidden": "true" }, icon("shoe"));
  const name = entity.first_name || entity.title || "?";
  const colour = (Math.abs(entity.id) % 5) + 1;
  return h("span", { class: `avatar a${colour}${size}`, "aria-hidden": "true" }, [...name][0].toUpperCase());
}

// Puts a floating element near an anchor, inside the window.
export function place(node, x, y) {
  document.body.append(node);
  const box = node.getBoundingClientRect();
  node.style.left = `${Math.max(8, Math.min(x, innerWidth - box.width - 8))}px`;
  node.style.top = `${Math.max(8, Math.min(y, innerHeight - box.height - 8))}px`;
}
