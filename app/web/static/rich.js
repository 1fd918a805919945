// Text with entities to nodes. Offsets are UTF-16 code units, as strings here are.

import { h } from "./dom.js";

const FOUND = /(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]])|((?<![\w/])\/[A-Za-z0-9_]{1,32}(?:@\w+)?)/g;
const TAGS = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code", pre: "pre", blockquote: "blockquote", expandable_blockquote: "blockquote" };
const SCHEMES = ["http:", "https:", "tg:", "mailto:", "tel:"];

export function safeLink(address) {
  try {
    return SCHEMES.includes(new URL(address).protocol) ? address : null;
  } catch {
    return null;
  }
}

export function link(address, ...children) {
  const href = safeLink(address);
  if (!href) return h("span", {}, ...children);
  return h("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

// What a link to a bot of the messenger asks it to start with; null for any other link.
export function startOf(address, username) {
  const href = safeLink(address);
  const url = href && new URL(href);
  const meant = url && (url.host === "t.me" || url.host === "telegram.me") && url.pathname.slice(1).toLowerCase() === username.toLowerCase();
  return meant ? url.searchParams.get("start") || "" : null;
}

// `act` is told of a pressed command.
export function rich(text, entities = [], act = null) {
  return between(text, 0, text.length, entities, act);
}

function between(text, from, to, entities, act) {
  const nodes = [];
  let at = from;
  const inside = entities.filter((one) => one.offset >= from && one.offset + one.length <= to);
  for (let index = 0; index < inside.length; index += 1) {
    const entity = inside[index];
    if (entity.offset < at) continue;
    const end = entity.offset + entity.length;
    nodes.push(...plain(text.slice(at, entity.offset), act));
    nodes.push(wrapped(entity, between(text, entity.offset, end, inside.slice(index + 1), act), text.slice(entity.offset, end), act));
    at = end;
  }
  nodes.push(...plain(text.slice(at, to), act));
  return nodes;
}

function wrapped(entity, children, text, act) {
  if (TAGS[entity.type]) return h(TAGS[entity.type], {}, ...children);
  if (entity.type === "text_link") return link(entity.url, ...children);
  if (entity.type === "bot_command") return command(text, act);
  if (entity.type === "spoiler") {
    const open = (event) => event.currentTarget.classList.add("open");
    return h("span", { class: "spoiler", tabindex: "0", onclick: open, onkeydown: open }, ...children);
  }
  return h("span", {}, ...children);
}

function command(text, act) {
  if (!act) return text;
  const press = (event) => {
    event.preventDefault();
    act(text);
  };
  return h("a", { href: "#", role: "button", onclick: press }, text);
}

function plain(text, act) {
  const nodes = [];
  let at = 0;
  for (const found of text.matchAll(FOUND)) {
    nodes.push(text.slice(at, found.index));
    nodes.push(found[1] ? link(found[1], found[1]) : command(found[2], act));
    at = found.index + found[0].length;
  }
  nodes.push(text.slice(at));
  return nodes.filter((node) => node !== "");
}
