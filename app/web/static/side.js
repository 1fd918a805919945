// The list of chats, the people, the language.

import { summary } from "./bubbles.js";
import { $, avatar, h } from "./dom.js";
import { act } from "./link.js";
import { choose, complain } from "./overlay.js";
import { t } from "./words.js";

export const title = (chat, bot) => {
  if (chat.type === "private") return bot.first_name;
  return t(chat.bot_here ? "club" : "friends");
};

export function face(chat, bot, large) {
  return avatar(chat.type === "private" ? bot : { id: chat.id, title: title(chat, bot) }, large);
}

// `desk`: {state(), open(chat), become(person), speak(language)}.
export function drawSide(desk) {
  const { me, bot, chats, current } = desk.state();
  $("me").replaceChildren(avatar(me), h("span", { class: "chat-words" }, h("b", {}, me.first_name), h("small", {}, t("switch_person"))));
  $("me").setAttribute("aria-label", t("switch_person"));
  const rows = chats.map((chat) => {
    const last = chat.messages.at(-1);
    const words = last ? summary(last) : t("no_messages");
    return h(
      "button",
      { class: "chat", type: "button", "aria-current": String(chat.id === current), onclick: () => desk.open(chat.id) },
      face(chat, bot, true),
      h("span", { class: "chat-words" }, h("b", {}, title(chat, bot)), h("span", {}, words)),
      chat.unread > 0 && h("span", { class: "unread", "aria-label": t("unread", { count: chat.unread }) }, String(chat.unread)),
    );
  });
  $("chats").replaceChildren(...rows);
  $("chats").setAttribute("aria-label", t("chats"));
  $("side-note").textContent = t("note");
}

export function drawTongues(desk) {
  const { me, languages } = desk.state();
  for (const id of ["tongues", "room-tongues"]) {
    $(id).setAttribute("aria-label", t("language"));
    $(id).replaceChildren(
      ...languages.map((code) =>
        h("button", { type: "button", lang: code, "aria-pressed": String(me.language_code === code), onclick: () => desk.speak(code) }, code.toUpperCase()),
      ),
    );
  }
}

export function choosePerson(desk) {
  const { me, people, languages } = desk.state();
  const node = choose(
    t("who"),
    people.map((one) => ({
      nodes: [avatar(one), h("span", {}, h("b", {}, one.first_name), h("small", {}, t(`speaks.${one.language_code}`)))],
      chosen: one.id === me.id,
      go: () => desk.become(one.id),
    })),
  );
  const name = h("input", { type: "text", maxlength: "40", required: true, placeholder: t("new_name"), "aria-label": t("new_name") });
  const tongue = h("select", { "aria-label": t("language") }, languages.map((code) => h("option", { value: code, selected: code === me.language_code }, code.toUpperCase())));
  const add = async (event) => {
    event.preventDefault();
    try {
      const { id } = await act("person", { name: name.value, language: tongue.value });
      node.close();
      desk.become(id);
    } catch (error) {
      complain(error);
    }
  };
  node.append(h("form", { onsubmit: add }, name, tongue, h("button", { type: "submit" }, t("add"))));
}

export function chooseChat(heading, desk, go) {
  const { chats, bot } = desk.state();
  choose(heading, chats.map((chat) => ({ nodes: [face(chat, bot), h("b", {}, title(chat, bot))], go: () => go(chat) })));
}

export function samples(count, go) {
  if (!count) return null;
  const buttons = Array.from({ length: count }, (_, number) =>
    h("button", { type: "button", "aria-label": t("sample", { number: number + 1 }), onclick: () => go(number) }, h("img", { src: `/samples/${number}`, alt: "", loading: "lazy" })),
  );
  return h("div", { class: "samples" }, h("p", {}, t("samples")), h("div", {}, buttons));
}

