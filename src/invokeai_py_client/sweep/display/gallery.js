"use strict";
// Values come from outside: they become text, never markup.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const list = $("list"), viewer = $("viewer"), panes = $("panes");
const items = data.items.map((row, place) => ({
  place, index: row[0], status: row[1], values: row[2], thumb: row[3], file: row[4],
  note: row[5], text: "",
}));
for (const item of items) {
  const values = item.values.filter((_, column) => !data.measured.includes(column));
  item.text = [item.index, item.status, item.note, ...values].join("\n").toLowerCase();
}
const columns = data.columns;
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
let shown = items, current = 0, marked = [], opened = null, cards = new Map();
let across = 1, width = 0, height = 0;
const GAP = 12, FOOT = 64;

function make(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

const clip = (text, most) => text.length > most ? text.slice(0, most - 1) + "…" : text;

// -- filter and sort ---------------------------------------------------------------

let facetCount = 0;
const facets = columns.map((name, column) => {
  const distinct = [...new Set(items.map((item) => item.values[column]))];
  if (distinct.length < 2 || data.measured.includes(column) || distinct.length > 60 || facetCount === 8) return null;
  facetCount += 1;
  distinct.sort(collator.compare);
  const select = make("select", { "onchange": update }, make("option", { value: "" }, "all"));
  distinct.forEach((value, number) => {
    select.append(make("option", { value: String(number + 1) }, clip(value, 60) || "(none)"));
  });
  $("facets").append(make("label", {}, name + " ", select));
  return { column, select, distinct };
}).filter(Boolean);

$("sort").append(make("option", { value: "" }, "index"));
columns.forEach((name, column) => $("sort").append(make("option", { value: String(column) }, name)));

function update() {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = facets.filter((facet) => facet.select.value)
    .map((facet) => [facet.column, facet.distinct[facet.select.value - 1]]);
  shown = items.filter((item) => words.every((word) => item.text.includes(word))
    && wanted.every(([column, value]) => item.values[column] === value));
  const by = $("sort").value, sign = $("order").getAttribute("aria-pressed") === "true" ? -1 : 1;
  if (by !== "") shown.sort((a, b) => sign * collator.compare(a.values[by], b.values[by]) || a.place - b.place);
  else if (sign < 0) shown.reverse();
  current = Math.max(0, Math.min(current, shown.length - 1));
  $("count").textContent = `${shown.length} of ${items.length} images`;
  arrange(true);
}

// -- the list: only what can be seen is in the page ----------------------------------

function arrange(all) {
  if (all) { for (const card of cards.values()) card.remove(); cards.clear(); }
  const size = Number($("size").value);
  document.documentElement.style.setProperty("--size", size + "px");
  const room = list.clientWidth;
  across = Math.max(1, Math.floor((room + GAP) / (size + GAP)));
  width = Math.floor((room - GAP * (across - 1)) / across);
  height = size + FOOT;
  list.style.height = Math.ceil(shown.length / across) * (height + GAP) + "px";
  draw();
}

function draw() {
  const top = window.scrollY - list.offsetTop, step = height + GAP;
  const first = Math.max(0, Math.floor(top / step) - 2) * across;
  const last = Math.min(shown.length, (Math.ceil((top + window.innerHeight) / step) + 2) * across);
  for (const [place, card] of cards) {
    if (place < first || place >= last) {
      if (card.contains(document.activeElement)) continue;
      card.remove();
      cards.delete(place);
    }
  }
  // In order, for the tab key and for readers of the screen.
  let after = null;
  for (let place = last - 1; place >= first; place--) {
    let card = cards.get(place);
    if (!card) {
      card = makeCard(place);
      cards.set(place, card);
      list.insertBefore(card, after);
    }
    after = card;
  }
}

function makeCard(place) {
  const item = shown[place];
  const open = make("button", { className: "open", type: "button", tabIndex: place === current ? 0 : -1,
    onclick: () => show(place), onfocus: () => { current = place; } }, picture(item, item.thumb, true));
  open.setAttribute("aria-label", `Enlarge image ${item.index}: ${summary(item)}`);
  const box = make("input", { type: "checkbox", checked: marked.includes(item), tabIndex: -1,
    title: "Mark to compare", onchange: () => toggle(item) });
  box.setAttribute("aria-label", `Compare image ${item.index}`);
  const words = make("p", { title: summary(item) }, make("b", {}, `#${item.index} `));
  for (const [name, value] of told(item)) words.append(make("b", {}, name + " "), value + "  ");
  const card = make("div", { className: "card" }, open, make("div", { className: "foot" }, words, box));
  card.setAttribute("role", "listitem");
  card.setAttribute("aria-setsize", shown.length);
  card.setAttribute("aria-posinset", place + 1);
  card.classList.toggle("marked", marked.includes(item));
  const row = Math.floor(place / across), column = place % across;
  card.style.cssText = `left:${column * (width + GAP)}px;top:${row * (height + GAP)}px;width:${width}px;height:${height}px`;
  return card;
}

function told(item) {
  const places = data.varying.length ? data.varying : columns.map((_, column) => column);
  return places.filter((column) => item.values[column] !== "")
    .map((column) => [columns[column], clip(item.values[column], 120)]);
}

function summary(item) {
  return clip(told(item).map((pair) => pair.join(" ")).join(" · "), 400);
}

function picture(item, source, small) {
  if (!source) return make("span", { className: "none" }, item.note || item.status);
  if (/\.(mp4|webm|mov)$/i.test(source)) return make("video", { src: source, preload: "metadata", controls: !small, muted: true });
  const image = make("img", { alt: "", decoding: "async", onerror: () => {
    if (!small && item.thumb && image.src !== item.thumb && !image.dataset.again) {
      image.dataset.again = "1";
      image.src = item.thumb;
      return;
    }
    image.replaceWith(make("span", { className: "none" }, "the file is not there"));
  } });
  if (!small) image.alt = summary(item);
  image.src = source;
  return image;
}

// -- enlarge and compare ---------------------------------------------------------------

function table(item, other) {
  const body = make("tbody", {});
  const add = (name, value, against) => {
    if (value === "" && !against) return;
    const row = make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value));
    if (against !== undefined && against !== value) row.className = "differs";
    body.append(row);
  };
  columns.forEach((name, column) => add(name, item.values[column], other && other.values[column]));
  add("status", item.status, other && other.status);
  if (item.note) add("error", item.note);
  if (item.file) {
    const link = make("a", { href: item.file, target: "_blank", rel: "noopener" }, item.file);
    body.append(make("tr", {}, make("th", { scope: "row" }, "file"), make("td", {}, link)));
  }
  return make("table", {}, body);
}

function figure(item) {
  return make("div", { className: "pane" }, make("figure", {}, picture(item, item.file || item.thumb, false)));
}

function show(place) {
  const item = shown[place];
  if (!item) return;
  opened = place;
  current = place;
  $("viewer-title").textContent = `Image ${item.index} (${place + 1} of ${shown.length})`;
  panes.replaceChildren(figure(item), make("div", { className: "pane side" }, table(item)));
  for (const id of ["previous", "next", "mark"]) $(id).hidden = false;
  $("previous").disabled = place === 0;
  $("next").disabled = place === shown.length - 1;
  $("mark").setAttribute("aria-pressed", marked.includes(item));
  if (!viewer.open) viewer.showModal();
}

function compare() {
  if (marked.length !== 2) return;
  opened = null;
  const [one, two] = marked;
  $("viewer-title").textContent = `Images ${one.index} and ${two.index}`;
  for (const id of ["previous", "next", "mark"]) $(id).hidden = true;
  const pane = (item, other) => { const side = figure(item); side.append(table(item, other)); return side; };
  panes.replaceChildren(pane(one, two), pane(two, one));
  if (!viewer.open) viewer.showModal();
}

function toggle(item) {
  marked = marked.includes(item) ? marked.filter((other) => other !== item) : [...marked.slice(-1), item];
  $("compare").textContent = `Compare (${marked.length} of 2)`;
  $("compare").disabled = marked.length !== 2;
  for (const [place, card] of cards) {
    const is = marked.includes(shown[place]);
    card.classList.toggle("marked", is);
    card.querySelector("input").checked = is;
  }
  if (opened !== null) $("mark").setAttribute("aria-pressed", marked.includes(shown[opened]));
}

function focusOn(place) {
  if (!shown.length) return;
  current = Math.max(0, Math.min(place, shown.length - 1));
  const y = Math.floor(current / across) * (height + GAP) + list.offsetTop;
  const head = document.querySelector("header").offsetHeight;
  if (y < window.scrollY + head) window.scrollTo(0, y - head - GAP);
  else if (y + height > window.scrollY + window.innerHeight) window.scrollTo(0, y + height - window.innerHeight + GAP);
  draw();
  for (const [at, card] of cards) card.firstChild.tabIndex = at === current ? 0 : -1;
  const card = cards.get(current);
  if (card) card.firstChild.focus({ preventScroll: true });
}

// -- what the reader does -----------------------------------------------------------

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (viewer.open) {
    if (opened !== null && event.key === "ArrowLeft") show(Math.max(0, opened - 1));
    else if (opened !== null && event.key === "ArrowRight") show(Math.min(shown.length - 1, opened + 1));
    else if (opened !== null && event.key === "c") toggle(shown[opened]);
    else return;
    event.preventDefault();
    return;
  }
  if (typing) return;
  const page = across * Math.max(1, Math.floor(window.innerHeight / (height + GAP)));
  const inside = list.contains(document.activeElement);
  const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across, PageUp: -page, PageDown: page };
  if (event.key === "/") $("search").focus();
  else if (event.key === "c" && marked.length === 2 && !inside) compare();
  else if (event.key === "c" && shown[current]) toggle(shown[current]);
  else if (event.key === "Home") focusOn(0);
  else if (event.key === "End") focusOn(shown.length - 1);
  else if (event.key in moves) focusOn(inside ? current + moves[event.key] : current);
  else return;
  event.preventDefault();
});
viewer.addEventListener("close", () => { const at = opened; opened = null; panes.replaceChildren(); if (at !== null) focusOn(at); });
viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
$("close").onclick = () => viewer.close();
$("previous").onclick = () => show(opened - 1);
$("next").onclick = () => show(opened + 1);
$("mark").onclick = () => toggle(shown[opened]);
$("compare").onclick = compare;
$("order").onclick = () => {
  const down = $("order").getAttribute("aria-pressed") !== "true";
  $("order").setAttribute("aria-pressed", down);
  $("order").textContent = down ? "↓" : "↑";
  update();
};
$("theme").onclick = () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
};
let timer = 0;
$("search").oninput = () => { clearTimeout(timer); timer = setTimeout(update, 80); };
$("sort").onchange = update;
$("size").oninput = () => arrange(true);
let waiting = false;
const later = () => { if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; draw(); }); } };
addEventListener("scroll", later, { passive: true });
new ResizeObserver(() => { if (list.clientWidth !== 0) arrange(true); }).observe(list);
update();
