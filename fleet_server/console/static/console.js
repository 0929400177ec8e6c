/* Keeps a page of the console true: ages grow, lists refresh themselves, and silence of the server is said aloud.
   It decides no word of a state: the server sends marks, this file only puts them on the page, as text. */
"use strict";

const LIST_EVERY_MS = 2000;
const PAGE_EVERY_MS = 5000;
const ANSWER_MAX_MS = 8000;
const STALE_AFTER_MS = 6000;
const AGES = {
  vi: { s: "giây trước", min: "phút trước", h: "giờ trước", d: "ngày trước", ahead: "ở tương lai" },
  en: { s: "s ago", min: "min ago", h: "h ago", d: "d ago", ahead: "in the future" },
};

const byId = (id) => document.getElementById(id);
const words = AGES[document.documentElement.lang] || AGES.vi;
let serverMs = Number(document.body.dataset.now);
let heardAt = performance.now();

/* The server's clock, carried on by the browser's own; the machine's wall clock is not asked. */
const nowMs = () => serverMs + (performance.now() - heardAt);

function age(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 0) return words.ahead;
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (seconds >= 2 * size) return `${Math.floor(seconds / size)} ${words[unit]}`;
  }
  return `${seconds} ${words.s}`;
}

function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

function grow() {
  for (const each of document.querySelectorAll("time[data-at]")) {
    write(each, age(nowMs() - Number(each.dataset.at)));
  }
  const stale = live && performance.now() - heardAt > STALE_AFTER_MS;
  byId("stale").hidden = !stale;
  document.body.classList.toggle("stale", stale);
}

/* Building blocks, in the form of templates/_marks.html. */
function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS("http://www.w3.org/2000/svg", "use"));
  svg.firstChild.setAttribute("href", `#i-${name}`);
  return svg;
}

function mark(one) {
  const made = element("span", ["mark", one.tone, one.small && "small"].filter(Boolean).join(" "));
  if (one.icon) made.append(icon(one.icon));
  if (one.text) made.append(element("span", "", one.text));
  if (one.at_ms) {
    const time = element("time", "", age(nowMs() - one.at_ms));
    time.dataset.at = one.at_ms;
    made.append(time);
  }
  return made;
}

function banner(one) {
  const made = element(one.href ? "a" : "p", `banner ${one.tone}`);
  if (one.href) made.href = one.href;
  made.append(icon(one.icon), element("span", "", one.text));
  return made;
}

function tile(one) {
  const item = element("li"), link = element("a", `tile ${one.tone || ""}`);
  link.href = one.href;
  link.dataset.state = one.state;
  if (one.chosen) link.setAttribute("aria-current", "true");
  link.append(icon(one.icon), element("b", "", one.stations.toLocaleString("vi")), element("span", "", one.text));
  item.append(link);
  return item;
}

/* Puts something on the page only if it says something new: selection and focus stay where they are. */
const shown = new WeakMap();
function renew(place, news, build) {
  const text = JSON.stringify(news);
  if (shown.get(place) === text) return;
  shown.set(place, text);
  place.replaceChildren(...news.map(build));
}

function row(one, columns) {
  const made = element("tr"), head = element("th"), link = element("a");
  made.dataset.id = one.id;
  head.scope = "row";
  link.href = `/stations/${encodeURIComponent(one.id)}`;
  link.append(element("b", "", one.id), element("span"));
  head.append(link, element("small"));
  made.append(head);
  for (const { name, label } of columns) {
    const cell = element("td", name);
    cell.dataset.label = label;
    made.append(cell);
  }
  return made;
}

function stations(news) {
  const table = byId("stations"), body = table.tBodies[0];
  const columns = [...table.tHead.rows[0].cells].slice(1).map((th) => ({ name: th.className, label: th.textContent }));
  const known = new Map([...body.rows].map((tr) => [tr.dataset.id, tr]));
  const rows = news.stations.map((one) => {
    const tr = known.get(one.id) || row(one, columns);
    tr.className = `is-${one.state}`;
    write(tr.querySelector("th span"), one.title);
    write(tr.querySelector("th small"), one.ward);
    columns.forEach(({ name }, index) => renew(tr.cells[index + 1], one.cells[name], mark));
    return tr;
  });
  const focused = document.activeElement;
  rows.forEach((tr, index) => body.rows[index] === tr || body.insertBefore(tr, body.rows[index] || null));
  while (body.rows.length > rows.length) body.lastElementChild.remove();
  if (focused !== document.activeElement && body.contains(focused)) focused.focus({ preventScroll: true });
  byId("empty").hidden = rows.length > 0;
  write(byId("matching"), news.matching);
  byId("fresh").dataset.at = news.as_of_ms;
  renew(byId("tiles"), news.tiles, tile);
  renew(byId("banners"), news.banners, banner);
}

async function ask(address) {
  const answer = await fetch(address, { signal: AbortSignal.timeout(ANSWER_MAX_MS), cache: "no-store", redirect: "manual" });
  if (answer.status === 401 || answer.type === "opaqueredirect") {
    byId("ended").hidden = false;
    live = "";
    return null;
  }
  return answer.ok ? answer : null;
}

function heard(ms) {
  serverMs = ms;
  heardAt = performance.now();
  byId("stale").querySelector("time").dataset.at = ms;
}

async function refreshList() {
  const answer = await ask(`/api/stations${location.search}`);
  if (!answer) return;
  const news = await answer.json();
  heard(news.now_ms);
  stations(news);
}

/* What a part of a page says, its ages aside. */
const saying = (part) => part.outerHTML.replace(/(<time[^>]*>)[^<]*/g, "$1");

async function refreshPage() {
  const answer = await ask(location.href);
  if (!answer) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  heard(Number(page.body.dataset.now));
  if (!getSelection().isCollapsed) return; // somebody is copying a code
  for (const id of ["main", "banners"]) {
    const place = byId(id), news = page.getElementById(id);
    if (place.children.length !== news.children.length) {
      place.replaceChildren(...news.childNodes);
      continue;
    }
    [...place.children].forEach((old, index) => {
      if (saying(old) !== saying(news.children[index])) old.replaceWith(news.children[index].cloneNode(true));
    });
  }
}

let live = document.body.dataset.live;
async function refresh() {
  if (!live) return;
  try {
    await (live === "stations" ? refreshList() : refreshPage());
  } catch (error) {
    console.warn("no answer:", error.message); // the stale line says it to people
  }
  grow();
}

async function turn() {
  await refresh();
  setTimeout(turn, live === "stations" ? LIST_EVERY_MS : PAGE_EVERY_MS);
}

setInterval(grow, 1000);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
setTimeout(turn, live === "stations" ? LIST_EVERY_MS : PAGE_EVERY_MS);
