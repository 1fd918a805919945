// Menus, dialogs, toasts and the picture viewer.

import { $, h, icon, place } from "./dom.js";
import { rich } from "./rich.js";
import { has, t } from "./words.js";

export function toast(text) {
  const node = h("div", { class: "toast" }, text);
  $("toasts").append(node);
  setTimeout(() => node.remove(), Math.max(3000, 60 * text.length));
}

export function complain(error) {
  const key = `error.${error.code}`;
  toast(has(key) ? t(key) : t("error.refused", { reason: error.message }));
}

// Items: [{text, icon, bad, go}]. Closed by Escape, a choice, or a press elsewhere.
export function menu(items, x, y, label) {
  const before = document.activeElement;
  const close = (back = true) => {
    node.remove();
    removeEventListener("pointerdown", outside, true);
    if (back && before instanceof HTMLElement) before.focus();
  };
  const outside = (event) => node.contains(event.target) || close(false);
  const keys = (event) => {
    const buttons = [...node.children];
    const at = buttons.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") close();
    if (step) buttons[(at + step + buttons.length) % buttons.length].focus();
    if (step || event.key === "Escape") event.preventDefault();
  };
  const buttons = items.filter(Boolean).map((item) => {
    const go = () => {
      close();
      item.go();
    };
    return h("button", { type: "button", role: "menuitem", class: item.bad ? "bad" : "", onclick: go }, icon(item.icon), item.text);
  });
  const node = h("div", { class: "menu", role: "menu", "aria-label": label, onkeydown: keys }, buttons);
  place(node, x, y);
  addEventListener("pointerdown", outside, true);
  node.firstChild?.focus();
}

export function dialog(...children) {
  const node = h("dialog", { onclose: () => node.remove() }, ...children);
  node.addEventListener("click", (event) => event.target === node && node.close());
  document.body.append(node);
  node.showModal();
  return node;
}

export function alert(text) {
  const shut = () => node.close();
  const node = dialog(h("p", {}, text), h("div", { class: "ends" }, h("button", { type: "button", autofocus: true, onclick: shut }, t("ok"))));
  node.setAttribute("role", "alertdialog");
}

export function confirm(text, deed, go) {
  const shut = () => node.close();
  const yes = () => {
    shut();
    go();
  };
  const node = dialog(
    h("p", {}, text),
    h("div", { class: "ends" }, h("button", { type: "button", onclick: shut }, t("cancel")), h("button", { type: "button", onclick: yes }, deed)),
  );
}

// A choice among rows: [{node, go}].
export function choose(title, rows) {
  const node = dialog(h("h2", {}, title));
  for (const row of rows) {
    const go = () => {
      node.close();
      row.go();
    };
    node.append(h("button", { class: "row", type: "button", "aria-pressed": row.chosen === undefined ? null : String(row.chosen), onclick: go }, row.nodes));
  }
  return node;
}

// Pictures: [{src, caption, entities}].
export function view(pictures, first) {
  let at = first;
  const image = h("img", { alt: "" });
  const words = h("figcaption");
  const count = h("span", { class: "count" });
  const several = pictures.length > 1;
  const show = (index) => {
    at = (index + pictures.length) % pictures.length;
    const picture = pictures[at];
    image.src = picture.src;
    image.alt = picture.caption || t("photo");
    words.replaceChildren(...rich(picture.caption || "", picture.entities));
    count.textContent = several ? t("of", { number: at + 1, count: pictures.length }) : "";
  };
  const button = (name, label, go) => h("button", { class: `icon ${name}`, type: "button", "aria-label": label, onclick: go }, icon({ shut: "close", before: "back", after: "next" }[name]));
  const node = dialog(
    h("figure", {}, image, words),
    count,
    several && button("before", t("previous"), () => show(at - 1)),
    several && button("after", t("next"), () => show(at + 1)),
    button("shut", t("close"), () => node.close()),
  );
  node.className = "viewer";
  node.setAttribute("aria-label", t("photo"));
  node.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") show(at - 1);
    if (event.key === "ArrowRight") show(at + 1);
  });
  node.querySelector("figure").addEventListener("click", (event) => event.target.tagName === "FIGURE" && node.close());
  let start = null;
  node.addEventListener("pointerdown", (event) => (start = event.clientX));
  node.addEventListener("pointerup", (event) => {
    const moved = event.clientX - (start ?? event.clientX);
    if (several && Math.abs(moved) > 60) show(at + (moved < 0 ? 1 : -1));
  });
  show(first);
}
