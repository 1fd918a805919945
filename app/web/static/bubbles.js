// Messages to bubbles. A block is one message, or the messages of one album.

import { h, icon } from "./dom.js";
import { mosaic } from "./mosaic.js";
import { link, rich, safeLink } from "./rich.js";
import { bytes, clock, t } from "./words.js";

export const fileAddress = (id) => `/files/${encodeURIComponent(id)}`;
export const keyOf = (message) => (message.media_group_id ? `g${message.media_group_id}` : `m${message.message_id}`);

export function summary(message) {
  const words = message.text || message.caption;
  const name = message.document?.file_name;
  const what = message.photo ? t("photo") : message.animation ? "GIF" : name;
  return [what, words].filter(Boolean).join(", ").replace(/\s+/g, " ");
}

// `room`: {me, group, act} with act.command, .press, .menu, .view, .show.
export function block(messages, room) {
  const message = messages[0];
  const own = message.from.id === room.me.id;
  const keys = message.reply_markup?.inline_keyboard;
  const pictured = messages.some((one) => one.photo);
  const node = h(
    "article",
    { class: ["block", own && "own", keys && "with-keys"].filter(Boolean).join(" "), "data-key": keyOf(message) },
    bubble(messages, room, own, pictured),
    keys && keyboard(message, keys, room),
  );
  const hold = { timer: 0 };
  const open = (event) => {
    if (event.target.closest("a, input")) return;
    event.preventDefault();
    room.act.menu(messages, event.clientX, event.clientY);
  };
  node.addEventListener("contextmenu", open);
  node.addEventListener("touchstart", (event) => {
    const { clientX, clientY } = event.touches[0];
    hold.timer = setTimeout(() => room.act.menu(messages, clientX, clientY), 550);
  }, { passive: true });
  for (const end of ["touchend", "touchmove", "touchcancel"]) node.addEventListener(end, () => clearTimeout(hold.timer), { passive: true });
  return node;
}

function bubble(messages, room, own, pictured) {
  const message = messages[0];
  const captions = messages.filter((one) => one.caption);
  // Telegram shows an album's words only where one picture alone has some.
  const speaking = messages.length === 1 ? message : captions.length === 1 ? captions[0] : null;
  const text = speaking && (speaking.text ?? speaking.caption);
  const when = time(messages.at(-1), own, !text && pictured);
  const more = h("button", {
    class: "more", type: "button", "aria-label": t("actions"),
    onclick: (event) => room.act.menu(messages, event.clientX || event.target.getBoundingClientRect().left, event.clientY || event.target.getBoundingClientRect().top),
  }, icon("down"));
  return h(
    "div",
    { class: ["bubble", pictured && "pictured sized"].filter(Boolean).join(" "), style: pictured ? { maxWidth: `min(100%, ${messages.length > 1 ? 430 : 340}px)` } : {} },
    h(
      "div",
      { class: "clip" },
      room.group && !own && h("div", { class: "who" }, message.from.first_name),
      message.via_bot && h("div", { class: "origin" }, t("via", { name: `@${message.via_bot.username}` })),
      message.forward_origin && h("div", { class: "origin" }, t("forwarded", { name: message.forward_origin.sender_user?.first_name || "" })),
      message.reply_to_message && quote(message.reply_to_message, room),
      pictures(messages.filter((one) => one.photo), room),
      messages.filter((one) => one.animation).map((one) => animation(one)),
      messages.filter((one) => one.document && !one.animation).map((one) => file(one.document)),
      preview(message, true),
      text && h("div", { class: "words" }, rich(text, speaking.entities || speaking.caption_entities || [], room.act.command), when),
      preview(message, false),
    ),
    !text && (pictured ? h("div", { class: "when over" }, [...when.childNodes]) : h("div", { class: "words" }, when)),
    more,
  );
}

function time(message, own) {
  const stamp = new Date(message.date * 1000).toISOString();
  return h(
    "span",
    { class: "when" },
    message.edit_date && message.edit_date !== message.date && !message.reply_markup ? `${t("edited")} ` : "",
    h("time", { datetime: stamp }, clock(message.date)),
    own && icon("checks"),
  );
}

export function quote(message, room, press = true) {
  const name = message.from.id === room.me.id ? t("you") : message.from.first_name;
  const photo = message.photo && h("img", { src: fileAddress(message.photo[0].file_id), alt: "" });
  const parts = [photo, h("b", {}, name), h("span", {}, summary(message))];
  const shape = `quote${photo ? " pictured" : ""}`;
  if (!press) return h("div", { class: shape }, parts);
  return h("button", { class: shape, type: "button", onclick: () => room.act.show(message) }, parts);
}

// The picture of a link whose preview the bot asked for by address.
function preview(message, above) {
  const options = message.link_preview_options;
  const src = options?.url && !options.is_disabled && Boolean(options.show_above_text) === above ? safeLink(options.url) : null;
  if (!src?.startsWith("http")) return null;
  const image = h("img", { src, alt: "", loading: "lazy", referrerpolicy: "no-referrer", onerror: (event) => event.target.parentNode.remove() });
  return h("div", { class: "preview" }, image);
}

function best(sizes, width) {
  return sizes.find((size) => size.width >= width) || sizes.at(-1);
}

function pictures(messages, room) {
  if (!messages.length) return null;
  const all = messages.map((one) => ({
    src: fileAddress(one.photo.at(-1).file_id),
    caption: one.caption,
    entities: one.caption_entities,
  }));
  const label = (one, index) => (messages.length > 1 ? t("photo_of", { number: index + 1, count: messages.length }) : t("photo"));
  const picture = (one, index, width, style) =>
    h(
      "button",
      { class: "photo", type: "button", style, "aria-label": label(one, index), onclick: () => room.act.view(all, index) },
      h("img", { src: fileAddress(best(one.photo, width).file_id), alt: "", loading: "lazy", decoding: "async" }),
    );
  if (messages.length === 1) {
    const size = messages[0].photo.at(-1);
    const ratio = Math.min(2.4, Math.max(0.75, size.width / size.height));
    return h("div", { class: "single" }, picture(messages[0], 0, 640, { aspectRatio: String(ratio) }));
  }
  const shapes = messages.map((one) => [one.photo.at(-1).width, one.photo.at(-1).height]);
  const { boxes, width, height } = mosaic(shapes);
  const part = (value, whole) => `${(100 * value) / whole}%`;
  return h(
    "div",
    { class: "mosaic", style: { aspectRatio: `${width} / ${height}` } },
    messages.map((one, index) => {
      const box = boxes[index];
      const style = { left: part(box.x, width), top: part(box.y, height), width: part(box.w, width), height: part(box.h, height) };
      return picture(one, index, 300, style);
    }),
  );
}

function animation(message) {
  return h("div", { class: "single" }, h("img", { src: fileAddress(message.animation.file_id), alt: "GIF", style: { width: "100%", display: "block" } }));
}

function file(document) {
  const image = document.mime_type?.startsWith("image/");
  const face = image ? h("img", { src: fileAddress(document.file_id), alt: "" }) : icon("file");
  return h(
    "a",
    { class: "file", href: fileAddress(document.file_id), download: document.file_name || "file" },
    h("i", {}, face),
    h("span", {}, h("b", {}, document.file_name || t("file")), h("small", {}, bytes(document.file_size))),
  );
}

function keyboard(message, rows, room) {
  return h(
    "div",
    { class: "keys", role: "group", "aria-label": t("buttons") },
    rows.map((row, r) => h("div", { class: "key-row" }, row.map((button, c) => key(message, button, r, c, room)))),
  );
}

function key(message, button, row, column, room) {
  if (button.url) {
    const node = link(button.url, button.text, icon("out"));
    node.classList.add("key");
    return node;
  }
  const go = (event) => room.act.press(message, button, row, column, event.currentTarget);
  return h("button", { class: "key", type: "button", onclick: go }, button.text, button.switch_inline_query !== undefined && icon("next"));
}

export function typing(action) {
  return h("div", { class: "block first", id: "typing" }, h("div", { class: "bubble typing", role: "img", "aria-label": t(`action.${action}`) }, h("i"), h("i"), h("i")));
}
