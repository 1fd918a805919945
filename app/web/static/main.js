// The page: its state, and what ties its parts together.

import { ChatLog } from "./chatlog.js";
import { Composer } from "./composer.js";
import { $, h } from "./dom.js";
import { act, listen } from "./link.js";
import { alert, complain, confirm, menu, toast, view } from "./overlay.js";
import { rich, startOf } from "./rich.js";
import { chooseChat, choosePerson, drawSide, drawTongues, face, samples, title } from "./side.js";
import { language, speak, t } from "./words.js";

const ACTION_MS = 5500;
const ANSWER_MS = 15000;
const DEFAULTS = { ru: 1001, en: 1002 };

const state = { me: null, people: [], bot: {}, chats: [], current: null, commands: { private: [], group: [] }, languages: ["ru", "en"], samples: 0, bot_state: "starting" };
const pressed = new Map();
let stop = null;
let calm = 0;
let offline = false;
let turn = Promise.resolve();

const chat = (id = state.current) => state.chats.find((one) => one.id === id);
const own = () => chat(state.me.id);

const desk = {
  state: () => state,
  bot: () => state.bot,
  room: () => ({ me: state.me, group: chat().type !== "private", act: deeds }),
  wish: (extra) => ({ person: state.me.id, chat: state.current, ...extra }),
  commands: () => (chat().bot_here ? state.commands[chat().type === "private" ? "private" : "group"] : []),
  samples: (go) => samples(Math.min(8, state.samples), go),
  lastOwn: () => chat().messages.findLast((one) => one.from.id === state.me.id && !one.via_bot && !one.forward_origin && one.text),
  sent: () => log.toEnd(),
  open,
  become,
  toBot(parameter) {
    open(state.me.id);
    composer.say(`/start ${parameter || ""}`.trim());
  },
  async speak(code) {
    await tell("language", { person: state.me.id, language: code });
  },
};

const deeds = {
  command: (text) => composer.say(text),
  view,
  show: (message) => log.show(message.message_id),
  async press(message, button, row, column, key) {
    if (button.copy_text) {
      await navigator.clipboard.writeText(button.copy_text.text);
      return toast(t("copied"));
    }
    const query = button.switch_inline_query_current_chat;
    if (query !== undefined) return composer.write(`@${state.bot.username} ${query}`);
    const elsewhere = button.switch_inline_query ?? button.switch_inline_query_chosen_chat?.query;
    if (elsewhere !== undefined) {
      return chooseChat(t("where"), desk, (target) => {
        open(target.id);
        composer.write(`@${state.bot.username} ${elsewhere}`);
      });
    }
    key.classList.add("waiting");
    const done = () => key.classList.remove("waiting");
    try {
      const { query_id: id } = await act("press", desk.wish({ message_id: message.message_id, row, column }));
      if (pressed.delete(id)) return done();
      pressed.set(id, done);
      setTimeout(() => {
        pressed.delete(id);
        done();
      }, ANSWER_MS);
    } catch (error) {
      done();
      complain(error);
    }
    return undefined;
  },
  menu(messages, x, y) {
    const message = messages.find((one) => one.caption || one.text) || messages[0];
    const text = message.text || message.caption;
    const mine = message.from.id === state.me.id && !message.via_bot && !message.forward_origin;
    const wish = desk.wish({ message_id: message.message_id });
    menu(
      [
        { icon: "reply", text: t("reply"), go: () => composer.answer(message) },
        { icon: "next", text: t("forward"), go: () => chooseChat(t("where"), desk, (target) => forward(wish, target)) },
        text && { icon: "file", text: t("copy"), go: () => navigator.clipboard.writeText(text).then(() => toast(t("copied")), complain) },
        mine && text && { icon: "menu", text: t("edit"), go: () => composer.edit(message) },
        { icon: "close", text: t("delete"), bad: true, go: () => messages.forEach((one) => tell("delete", { ...wish, message_id: one.message_id })) },
      ],
      x,
      y,
      t("actions"),
    );
  },
};

async function tell(deed, wish) {
  try {
    return await act(deed, wish);
  } catch (error) {
    complain(error);
    return null;
  }
}

async function forward(wish, target) {
  await tell("forward", { ...wish, to: target.id });
  if (target.id !== state.current) open(target.id);
}

const log = new ChatLog();
const composer = new Composer(desk);

// What happens, in the order it happened: a language is fetched before what is drawn in it.
function hear(event) {
  turn = turn.then(() => handle(event)).catch((error) => console.error(error));
}

async function handle(event) {
  const { kind, content } = event;
  if (kind === "state") return begin(event);
  const place = event.chat_id === null ? null : chat(event.chat_id);
  const open = place && place.id === state.current;
  if (kind === "message") arrived(place, content, open);
  if (kind === "edited") {
    const at = place.messages.findIndex((one) => one.message_id === content.message_id);
    if (at >= 0) place.messages[at] = content;
    if (open) log.change(content);
  }
  if (kind === "deleted") {
    place.messages = place.messages.filter((one) => one.message_id !== content.message_id);
    if (open) log.remove(content.message_id);
    if (open && !place.messages.length) draw();
  }
  if (kind === "cleared") {
    place.messages = [];
    if (open) draw();
  }
  if (kind === "action" && open) busy(content.action);
  if (kind === "answered") answered(content);
  if (kind === "chat") {
    Object.assign(place, content);
    if (open) head();
  }
  if (kind === "commands") state.commands = content;
  if (kind === "bot") {
    state.bot_state = content.state;
    head();
  }
  if (kind === "people") {
    state.people = content.people;
    state.me = content.people.find((one) => one.id === state.me.id) || state.me;
    if (state.me.language_code !== language) {
      await speak(state.me.language_code);
      return draw();
    }
  }
  return drawSide(desk);
}

function arrived(place, message, open) {
  if (place.messages.some((one) => one.message_id === message.message_id)) return;
  place.messages.push(message);
  if (open) {
    if (message.from.id === state.bot.id) still();
    log.add(message);
  } else if (message.from.id !== state.me.id) place.unread = (place.unread || 0) + 1;
}

function answered({ query_id: id, text, alert: loud, url }) {
  const done = pressed.get(id);
  if (done) {
    done();
    pressed.delete(id);
  } else pressed.set(id, () => {});
  if (text) (loud ? alert : toast)(text);
  if (url) window.open(url, "_blank", "noopener");
}

async function begin(event) {
  const before = state.current;
  Object.assign(state, event);
  if (state.me.language_code !== language || !document.body.dataset.ready) await speak(state.me.language_code);
  const [, wanted] = location.hash.slice(1).split("/").map(Number);
  const seen = [before, wanted, state.me.id].find((id) => state.chats.some((one) => one.id === id));
  state.current = seen;
  localStorage.setItem("person", String(state.me.id));
  document.body.dataset.ready = "yes";
  draw();
}

function draw() {
  composer.translate();
  drawTongues(desk);
  drawSide(desk);
  head();
  log.draw(chat().messages, desk.room(), welcome());
  location.replace(`#${state.me.id}/${state.current}`);
}

function welcome() {
  const private_ = chat().type === "private";
  const name = `@${state.bot.username}`;
  const start = private_ && h("button", { class: "primary", type: "button", onclick: () => composer.say("/start") }, t("start"));
  return h(
    "section",
    { class: "welcome" },
    face(chat(), state.bot),
    h("h2", {}, title(chat(), state.bot)),
    h("p", {}, ...rich(t(private_ ? "hello" : chat().bot_here ? "hello_club" : "hello_friends", { name }))),
    start,
    private_ && desk.samples((number) => composer.sample(number)),
  );
}

function head(action = null) {
  const place = chat();
  const subtitle = action ? t(`action.${action}`) : place.type !== "private" ? t("members", { count: state.people.length + (place.bot_here ? 1 : 0) }) : t(`bot.${state.bot_state}`);
  $("room-title").replaceChildren(face(place, state.bot), h("div", {}, h("h1", {}, title(place, state.bot)), h("p", { class: action ? "busy" : "" }, subtitle)));
  $("back").setAttribute("aria-label", t("chats"));
  $("room-menu").setAttribute("aria-label", t("menu"));
  $("to-end").setAttribute("aria-label", t("to_end"));
  $("log").setAttribute("aria-label", t("messages"));
  $("composer").hidden = place.blocked;
  $("slash").hidden = !desk.commands().length;
  $("unblock").hidden = !place.blocked;
  $("unblock").textContent = t("unblock");
  const banner = offline ? "offline" : { restarting: "bot_restarting", stopped: "bot_stopped" }[state.bot_state];
  $("banner").hidden = !banner;
  $("banner").textContent = banner ? t(banner) : "";
}

function busy(action) {
  const known = action === "upload_photo" ? action : "typing";
  head(known);
  log.busy(known);
  clearTimeout(calm);
  calm = setTimeout(still, ACTION_MS);
}

function still() {
  clearTimeout(calm);
  log.still();
  head();
}

function open(id) {
  state.current = id;
  chat().unread = 0;
  $("app").dataset.view = "chat";
  composer.closePanel();
  composer.clear();
  draw();
}

function become(person) {
  stop?.();
  state.current = null;
  location.hash = `#${person}`;
  stop = listen(person, hear, (lost, closed) => {
    if (closed && person !== DEFAULTS.ru) return become(DEFAULTS.ru);
    offline = lost;
    if (chat()) head();
    return undefined;
  });
}

$("me").addEventListener("click", () => choosePerson(desk));
$("back").addEventListener("click", () => {
  $("app").dataset.view = "chats";
  drawSide(desk);
});
$("unblock").addEventListener("click", () => tell("block", { person: state.me.id, blocked: false }));
$("room-menu").addEventListener("click", (event) => {
  const box = event.currentTarget.getBoundingClientRect();
  const place = chat();
  menu(
    [
      { icon: "search", text: t("inline.title"), go: () => composer.write(`@${state.bot.username} `) },
      { icon: "people", text: t("switch_person"), go: () => choosePerson(desk) },
      place.type === "private" && { icon: "close", text: t(place.blocked ? "unblock" : "block"), go: () => tell("block", { person: state.me.id, blocked: !own().blocked }) },
      { icon: "file", text: t("reset"), bad: true, go: () => confirm(t("reset_sure"), t("reset"), () => tell("reset", desk.wish({}))) },
    ],
    box.right - 240,
    box.bottom + 4,
    t("menu"),
  );
});
// Links to the bot itself lead to its chat here.
addEventListener("click", (event) => {
  const start = startOf(event.target.closest?.("a")?.href, state.bot.username || "");
  if (start === null) return;
  event.preventDefault();
  desk.toBot(start);
});
addEventListener("pointerdown", (event) => {
  if (composer.panelOf && composer.panelOf !== "inline" && !event.target.closest("#panel, #slash, #attach, #words")) composer.closePanel();
});

const [wanted] = location.hash.slice(1).split("/");
const remembered = Number(wanted || localStorage.getItem("person"));
become(remembered || DEFAULTS[navigator.language.startsWith("ru") ? "ru" : "en"]);
